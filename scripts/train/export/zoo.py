"""The finished zoo: ONNX files, manifest, golden vectors, the real test images and a few samples."""
import base64
import json
import platform
import shutil
from pathlib import Path

import torch

from config import TrainError
from data.images import FILES, generator
from data.split import Split
from export.graphs import write_onnx
from export.manifest import device_policy, manifest
from policies.calibrate import held_out, measure, pair_outputs
from policies.gate import with_gains
from policies.rules import apply, margin

GOLDEN, CLEAR = 33, 0.005         # images; distance from every threshold


def write_zoo(config, data, graphs, folder, run):
    """Writes everything into `folder`, which then is a whole zoo.

    run: {'command', 'durationS', 'machine', 'notes'} and, of models taken from other runs, 'reused'."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    shape = tuple(data.test.images.shape[1:])
    test, held = measure(config, graphs, data.test), measure(config, graphs, held_out(config, data))
    names = [file_name(m) for m in config.models]
    half = config.weights == 'float16'
    for name, graph in zip(names, graphs.models):
        write_onnx(graph, folder / name, shape, half)
    write_onnx(graphs.mux, folder / 'mux.onnx', shape, half)
    if graphs.group is not None:
        write_onnx(graphs.group, folder / 'mux-group.onnx', shape, half)
    h, w, c = shape
    chosen = device_policy(config, data, graphs, held, (c, h, w))
    shown = (data.test, test)
    if config.golden == 'drawn':
        drawn = drawn_pictures(shape, len(data.labels), config.seed)
        shown = drawn, measure(config, graphs, drawn)
    write_json(folder / 'golden.json', {'images': golden(config, graphs, *shown, chosen)})
    for part in ('test images', 'test labels'):
        if (data.root / FILES[part]).is_file():
            shutil.copyfile(data.root / FILES[part], folder / FILES[part])
    write_samples(folder / 'samples', data)
    written = manifest(config, data, graphs, folder, test, chosen, names, run)
    write_json(folder / 'manifest.json', written)
    return written


def file_name(model):
    """local.onnx, cloud.onnx, or <id>.onnx for a model that only the group has."""
    own = [r for r in model.roles if r != 'group']
    return f'{own[0] if own else model.id}.onnx'


def drawn_pictures(shape, classes, seed, count=600):
    """A Split of pictures that nobody took: a blurred blot of one colour on a ground that fades into another, with noise. Their labels
    mean nothing."""
    rng, (h, w, c) = generator(seed, 'drawn'), shape
    y, x = torch.linspace(-1, 1, h).view(1, h, 1, 1), torch.linspace(-1, 1, w).view(1, 1, w, 1)

    def draw(*size):
        return torch.rand(count, *size, generator=rng)
    first, second, blot = draw(1, 1, c), draw(1, 1, c), draw(1, 1, c)
    slope = ((x * (draw(1, 1, 1) * 2 - 1) + y * (draw(1, 1, 1) * 2 - 1)) / 2 + 1) / 2
    top, left, height, width = (draw(1, 1, 1) for _ in range(4))
    away = ((y - top + 0.5) / (0.2 + height)) ** 2 + ((x - left + 0.5) / (0.2 + width)) ** 2
    share = torch.sigmoid((1 - away) * 8)
    pictures = (first * slope + second * (1 - slope)) * (1 - share) + blot * share + (draw(h, w, c) - 0.5) * 0.3 * draw(1, 1, 1)
    return Split((pictures.clamp(0, 1) * 255).round().byte(), torch.arange(count) % classes)


def golden(config, graphs, test, outputs, chosen):
    """Pictures with what the float32 twins say of them and how the shipped policy decides: every decision that occurs
    equally often, no image near a threshold. outputs: what measure() found on all of `test`."""
    mode, thresholds = chosen['mode'], chosen['thresholds']
    pair = pair_outputs(config, outputs)
    if 'gate' in chosen:
        pair = with_gains(chosen['gate'], pair, thresholds)
    decisions = apply(mode, thresholds, pair).decisions()
    clear = margin(mode, thresholds, pair) > CLEAR
    kinds = {d: [i for i, made in enumerate(decisions) if made == d and clear[i]] for d in ('mux', 'local', 'offload')}
    kinds = {d: found for d, found in kinds.items() if found}
    if not kinds:
        raise TrainError('every picture lies on a threshold of the policy: no golden vector can be chosen')
    index = torch.tensor(sorted(i for found in kinds.values() for i in found[:GOLDEN // len(kinds)]))
    images = test.take(index)
    out = measure(config, graphs, images)
    return [{'index': int(i), **({'label': int(images.labels[n])} if config.golden == 'test' else {}),
             'pixels': base64.b64encode(images.images[n].numpy().tobytes()).decode(),
             'mux': {'score': float(out['score'][n]), 'probabilities': out['mux'][n].tolist()},
             'models': {m.id: out['models'][k, n].tolist() for k, m in enumerate(config.models)},
             **({'group': {key: out[key][n].tolist() for key in ('correct', 'weights')}} if 'correct' in out else {}),
             'decision': decisions[i]} for n, i in enumerate(index.tolist())]


def write_samples(folder, data, enlarge=8):
    """One JPEG a class: the first test image of the class, enlarged so that a person can see it."""
    try:
        from PIL import Image
    except ImportError:
        return                                                  # samples are for people; nothing reads them
    if data.test.images.shape[3] != 1:
        return                                                  # pictures of a user's need no enlarging, nor copies here
    folder.mkdir(exist_ok=True)
    for k, label in enumerate(data.labels):
        pixels = data.test.images[(data.test.labels == k).nonzero()[0, 0]]
        picture = Image.fromarray(pixels[:, :, 0].numpy())
        picture = picture.resize((picture.width * enlarge, picture.height * enlarge), Image.NEAREST)
        picture.save(folder / f'{label.replace("/", "-").replace(" ", "-")}.jpg', quality=92)


def machine():
    """The processor that trained, in words."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    try:
        lines = Path('/proc/cpuinfo').read_text(encoding='utf-8').splitlines()
        name = next(line.split(':', 1)[1].strip() for line in lines if line.startswith('model name'))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    return f'{name}, {torch.get_num_threads()} thread(s)'


def write_json(path, value):
    path.write_text(json.dumps(value, indent=1 if path.name == 'manifest.json' else None) + '\n', encoding='utf-8')


def install(source, target):
    """Copies a finished zoo over the one in `target`; files that are not part of a zoo (README.md) stay."""
    source, target = Path(source), Path(target)
    if not (source / 'manifest.json').is_file():
        raise TrainError(f'no finished zoo in {source} to install')
    target.mkdir(parents=True, exist_ok=True)
    (target / 'manifest.json').unlink(missing_ok=True)
    for old in target.glob('*.onnx'):
        old.unlink()
    paths = sorted(source.rglob('*'), key=lambda p: p.name == 'manifest.json')     # the manifest comes last
    for path in paths:
        if path.is_file():
            (target / path.relative_to(source)).parent.mkdir(exist_ok=True)
            shutil.copyfile(path, target / path.relative_to(source))
