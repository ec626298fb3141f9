"""ONNX files that take camera pixels: uint8 NHWC in, normalisation inside the graph, float32 out.

opset 13, IR 7 by default (the device's ONNX Runtime may be as old as 1.11: opset ≤ 16, IR ≤ 8), dynamic batch.
The module that is exported is also the *twin* whose float32 results the golden vectors and the manifest quote.
"""
import hashlib
import inspect
import os
import warnings

import torch
from torch import nn

from config import TrainError

OPSET, MAX_IR = 13, 7
NEEDS = {'opset': OPSET, 'ir': MAX_IR}    # of the ONNX Runtime that loads a file, as the manifest says it


class Pixels(nn.Module):
    """uint8 [N, H, W, C] → normalised float32 [N, C, H, W]. mean, std: per channel, of pixels / 255."""

    def __init__(self, mean, std):
        super().__init__()
        self.register_buffer('scale', 1 / (255 * torch.tensor(std).reshape(1, -1, 1, 1)))
        self.register_buffer('shift', -torch.tensor(mean).reshape(1, -1, 1, 1) / torch.tensor(std).reshape(1, -1, 1, 1))

    def forward(self, images):
        return images.permute(0, 3, 1, 2).float() * self.scale + self.shift


class ModelGraph(nn.Module):
    """images uint8 [N, H, W, C] → probabilities float32 [N, K]; `temperature` calibrates the softmax."""
    outputs = ('probabilities',)

    def __init__(self, net, mean, std, temperature=1.0):
        super().__init__()
        self.pixels, self.net, self.temperature = Pixels(mean, std), net, temperature

    def forward(self, images):
        out = self.net(self.pixels(images))
        return ((out[0] if isinstance(out, tuple) else out) / self.temperature).softmax(1)


class MuxGraph(nn.Module):
    """images uint8 [N, H, W, C] → score float32 [N] (higher = harder), probabilities float32 [N, K].

    score = sigmoid(need − bias): the bias moves the wanted threshold to 0.5, the paper's default."""
    outputs = ('score', 'probabilities')

    def __init__(self, net, mean, std, bias=0.0, temperature=1.0):
        super().__init__()
        self.pixels, self.net, self.bias, self.temperature = Pixels(mean, std), net, bias, temperature

    def forward(self, images):
        need, logits, *_ = self.net(self.pixels(images))
        return torch.sigmoid(need[:, 0] - self.bias), (logits / self.temperature).softmax(1)


class GroupMuxGraph(nn.Module):
    """images uint8 [N, H, W, C] → correct float32 [N, M] (p_i), weights float32 [N, M] (w_i, eq. 6), probabilities [N, K].

    p_i = sigmoid(−(need_i · slope_i + bias_i)): slopes and biases [M] calibrate it."""
    outputs = ('correct', 'weights', 'probabilities')

    def __init__(self, net, mean, std, slopes=None, biases=None, temperature=1.0):
        super().__init__()
        self.pixels, self.net, self.temperature = Pixels(mean, std), net, temperature
        models = len(net.vote)
        self.register_buffer('slopes', torch.ones(models) if slopes is None else slopes.float())
        self.register_buffer('biases', torch.zeros(models) if biases is None else biases.float())

    def forward(self, images):
        need, logits, votes, _ = self.net(self.pixels(images))
        correct = torch.sigmoid(-(need * self.slopes + self.biases))
        return correct, votes.softmax(1), (logits / self.temperature).softmax(1)


def require_onnx():
    """The onnx module; called before training starts, so that a missing package costs seconds and not an hour."""
    try:
        import onnx
    except ImportError as error:
        raise TrainError('the export needs the Python package onnx (Debian: apt-get install python3-onnx)') from error
    return onnx


def write_onnx(graph, path, shape, half=False):
    """Exports a ModelGraph, MuxGraph or GroupMuxGraph for images of `shape` (H, W, C) and checks the contract. half: the weights, rounded
    by `round_weights` before, are stored as float16."""
    onnx = require_onnx()
    graph = graph.cpu().eval().to(memory_format=torch.contiguous_format)
    options = {'dynamo': False} if 'dynamo' in inspect.signature(torch.onnx.export).parameters else {}
    if half:                                                    # else batch norms are folded into weights, which no longer are round then
        options['training'] = torch.onnx.TrainingMode.PRESERVE
    temporary = f'{path}.tmp'
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        torch.onnx.export(graph, torch.zeros(2, *shape, dtype=torch.uint8), temporary, opset_version=OPSET,
                          input_names=['images'], output_names=list(graph.outputs),
                          dynamic_axes={name: {0: 'N'} for name in ('images', *graph.outputs)}, **options)
    model = onnx.load(temporary)
    with torch.no_grad():
        found = graph(torch.zeros(2, *shape, dtype=torch.uint8))
    say_shapes(model, found if isinstance(found, tuple) else (found,))
    if half:
        halve(model)
    model.ir_version = min(model.ir_version, MAX_IR)
    model.producer_name, model.producer_version = 'edgemux', ''
    for node in model.graph.node:
        node.doc_string = ''                                    # source paths of the machine that exported
    onnx.checker.check_model(model)
    onnx.save(model, temporary)
    os.replace(temporary, path)


@torch.no_grad()
def round_weights(net):
    """Weights of convolutions and linear layers become what float16 can hold."""
    for parameter in net.parameters():
        if parameter.ndim > 1:
            parameter.copy_(parameter.half().float())


def say_shapes(model, outputs):
    """Writes into an ONNX model how wide its outputs are, where the export could not infer it. outputs: of any images."""
    for value, found in zip(model.graph.output, outputs):
        for dim, size in zip(value.type.tensor_type.shape.dim[1:], found.shape[1:]):
            dim.dim_value = size


def halve(model):
    """Stores as float16, with a Cast behind it, every large initializer of an ONNX model that loses nothing by it."""
    from onnx import helper, numpy_helper, TensorProto
    casts = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.ndim < 2 or values.size < 64 or (values != values.astype('float16')).any():
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype('float16'), f'{name}_half'))
        casts.append(helper.make_node('Cast', [f'{name}_half'], [name], name=f'{name}_cast', to=TensorProto.FLOAT))
    for node in reversed(casts):
        model.graph.node.insert(0, node)


@torch.no_grad()
def run_twin(graph, images, size=250):
    """Outputs of the twin in float32 over uint8 images [N, H, W, C]: a tuple of [N, …]."""
    graph = graph.cpu().eval()
    parts = []
    for start in range(0, len(images), size):
        out = graph(images[start:start + size])
        parts.append(out if isinstance(out, tuple) else (out,))
    return tuple(torch.cat(p) for p in zip(*parts))


def file_entry(folder, name):
    """{file, sha256, bytes} of the manifest."""
    raw = (folder / name).read_bytes()
    return {'file': name, 'sha256': hashlib.sha256(raw).hexdigest(), 'bytes': len(raw)}
