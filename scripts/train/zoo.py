"""The finished zoo: ONNX files, manifest, golden vectors, the real test images and a few samples."""
import base64
import datetime
import json
import platform
import shutil
from pathlib import Path

import torch

import flops
from calibrate import hybrid, measure
from config import TrainError, as_dict
from data import FILES
from export import file_entry, write_onnx
from metrics import accuracy, auroc
from step2 import role

GOLDEN, THRESHOLD = 32, 0.5
LICENCE = 'MIT (data: Zalando Fashion-MNIST)'


def write_zoo(config, data, graphs, folder, run):
    """Writes everything into `folder`, which then is a whole zoo. run: {'command', 'durationS', 'machine', 'notes'}."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    shape = tuple(data.test.images.shape[1:])
    test, held = measure(config, graphs, data.test), measure(config, graphs, data.calibration)
    names = [file_name(m) for m in config.models]
    for name, graph in zip(names, graphs.models):
        write_onnx(graph, folder / name, shape)
    write_onnx(graphs.mux, folder / 'mux.onnx', shape)
    write_json(folder / 'golden.json', {'images': golden(config, graphs, data.test, test['score'])})
    for part in ('test images', 'test labels'):
        shutil.copyfile(data.root / FILES[part], folder / FILES[part])
    write_samples(folder / 'samples', data)
    written = manifest(config, data, graphs, folder, test, held, names, run)
    write_json(folder / 'manifest.json', written)
    return written


def file_name(model):
    """local.onnx, cloud.onnx, or <id>.onnx for a model without a role."""
    return f'{model.roles[0] if model.roles else model.id}.onnx'


def manifest(config, data, graphs, folder, test, held, names, run):
    """The manifest's dict; the schema is checked by mux/ in TypeScript."""
    h, w, c = data.test.images.shape[1:]
    share, right = hybrid(config, held, data.calibration.labels)
    wrong = test['models'][role(config, 'local')].argmax(1) != data.test.labels
    return {
        'schema': 1, 'name': config.zoo, 'version': datetime.date.today().isoformat(), 'licence': LICENCE,
        'input': {'height': h, 'width': w, 'channels': c, 'layout': 'NHWC', 'dtype': 'uint8'},
        'labels': list(data.labels),
        'models': [{'id': m.id, **file_entry(folder, name), 'roles': list(m.roles), 'architecture': m.arch,
                    'flops': flops.count(graph.net, (c, h, w)), 'accuracy': rounded(accuracy(p, data.test.labels))}
                   for m, name, graph, p in zip(config.models, names, graphs.models, test['models'])],
        'mux': {'pair': {**file_entry(folder, 'mux.onnx'), 'architecture': f'{config.mux.arch} (four convolutions)',
                         'flops': flops.count(graphs.mux.net, (c, h, w)),
                         'accuracy': rounded(accuracy(test['mux'], data.test.labels)),
                         'auroc': rounded(auroc(test['score'], wrong))}},
        'policy': {'mode': 'mux', 'thresholds': {'mux': THRESHOLD}, 'calibration': {
            'target': f'offload {config.mux.offload_share:.0%} of held-out images',
            'offloadShare': rounded(share), 'hybridAccuracy': rounded(right), 'images': len(data.calibration),
            'bias': graphs.bias, 'temperatures': graphs.temperatures}},
        'golden': file_entry(folder, 'golden.json'),
        'test': {'images': file_entry(folder, FILES['test images']), 'labels': file_entry(folder, FILES['test labels']),
                 'count': len(data.test)},
        'training': training(config, data, test, run),
    }


def training(config, data, test, run):
    """How the zoo was made, and what the pair rule reaches on the test images at the shipped threshold."""
    share, right = hybrid(config, test, data.test.labels)
    return {'command': run['command'], 'config': config.name, 'seed': config.seed, 'durationS': run['durationS'],
            'date': datetime.datetime.now(datetime.timezone.utc).isoformat(timespec='seconds'),
            'machine': run['machine'], 'torch': torch.__version__, 'contrastive': config.contrastive,
            'notes': run['notes'], 'test': {'offloadShare': rounded(share), 'hybridAccuracy': rounded(right)},
            'settings': as_dict(config)}


def golden(config, graphs, test, score):
    """Test images with what the float32 twins say of them: as many offloaded as kept, none near the threshold."""
    away = ((score - THRESHOLD) > 0.02).nonzero()[:, 0][:GOLDEN // 2]
    kept = ((THRESHOLD - score) > 0.02).nonzero()[:, 0][:GOLDEN - len(away)]
    index = torch.cat([away, kept]).sort().values
    if not len(away) or not len(kept):
        raise TrainError('the mux sends all test images one way: train longer, or change mux.offload_share')
    chosen = test.take(index)
    out = measure(config, graphs, chosen)
    return [{'index': int(i), 'label': int(chosen.labels[n]),
             'pixels': base64.b64encode(chosen.images[n].numpy().tobytes()).decode(),
             'mux': {'score': float(out['score'][n]), 'probabilities': out['mux'][n].tolist()},
             'models': {m.id: out['models'][k, n].tolist() for k, m in enumerate(config.models)},
             'decision': 'offload' if out['score'][n] > THRESHOLD else 'local'} for n, i in enumerate(index)]


def write_samples(folder, data, enlarge=8):
    """One JPEG a class: the first test image of the class, enlarged so that a person can see it."""
    try:
        from PIL import Image
    except ImportError:
        return                                                  # samples are for people; nothing reads them
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


def rounded(value):
    return None if value is None else round(float(value), 4)


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
