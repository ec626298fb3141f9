"""Exports torchvision's networks and a mux at 224×224×3 with random weights, to measure what a frame costs.

    /usr/bin/python3 scripts/train/export_real_shapes.py --cloud resnet50 --out .cache/real-shapes

The folder has a zoo's manifest (accuracy and auroc null, no golden vectors): latency, throughput and energy are those of the
real networks, the answers are noise.
"""
import argparse
import datetime
import sys
from pathlib import Path

import torch

from config import TrainError
from export import zoo
from export.graphs import ModelGraph, MuxGraph, file_entry, run_twin, write_onnx
from networks import flops
from networks.torchvision_nets import IMAGENET_MEAN, IMAGENET_STD, NAMES, classifier, mux224

SIDE, CLASSES = 224, 1000
NOTES = 'Random weights, for measuring cost only: the answers mean nothing.'


def arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--out', default='.cache/real-shapes', help='folder (%(default)s)')
    parser.add_argument('--local', default='mobilenet_v2', choices=NAMES, help='the device\'s model (%(default)s)')
    parser.add_argument('--cloud', default='resnet50', choices=NAMES, help='the server\'s model (%(default)s)')
    parser.add_argument('--also', nargs='*', default=[], choices=NAMES, help='further networks, for the group')
    parser.add_argument('--seed', type=int, default=1)
    return parser.parse_args(argv)


def export_model(folder, name, roles, seed):
    """Writes <name>.onnx; returns its entry of the manifest."""
    net = classifier(name, CLASSES, seed)
    path = f'{name}.onnx'
    write_onnx(ModelGraph(net, IMAGENET_MEAN, IMAGENET_STD), folder / path, (SIDE, SIDE, 3))
    entry = {'id': name, **file_entry(folder, path), 'roles': roles, 'architecture': f'torchvision {name}, random weights',
             'flops': flops.count(net, (3, SIDE, SIDE)), 'accuracy': None}
    print(f'{name:<18} {entry["flops"] / 1e6:9.1f} M multiply-accumulates, {entry["bytes"] / 1e6:6.1f} MB', flush=True)
    return entry


def export_mux(folder, seed):
    """Writes mux.onnx, its bias set so that about half of random pictures are offloaded at 0.5; returns its entry."""
    net = mux224(CLASSES, seed=seed)
    rng = torch.Generator().manual_seed(seed)
    pictures = torch.randint(0, 256, (16, SIDE, SIDE, 3), generator=rng, dtype=torch.uint8)
    bias = torch.logit(run_twin(MuxGraph(net, IMAGENET_MEAN, IMAGENET_STD), pictures)[0]).median().item()
    write_onnx(MuxGraph(net, IMAGENET_MEAN, IMAGENET_STD, bias), folder / 'mux.onnx', (SIDE, SIDE, 3))
    return {**file_entry(folder, 'mux.onnx'), 'architecture': 'four convolutions at 224×224, random weights',
            'flops': flops.count(net, (3, SIDE, SIDE)), 'accuracy': None, 'auroc': None}


def main(argv):
    args = arguments(argv)
    if args.local == args.cloud:
        raise TrainError('--local and --cloud are the same network')
    folder = Path(args.out)
    folder.mkdir(parents=True, exist_ok=True)
    names = dict.fromkeys([args.local, *args.also, args.cloud])
    roles = {args.local: ['local'], args.cloud: ['cloud']}
    models = [export_model(folder, name, roles.get(name, ['group']), args.seed) for name in names]
    now = datetime.datetime.now(datetime.timezone.utc)
    zoo.write_json(folder / 'manifest.json', {
        'schema': 1, 'name': 'real-shapes', 'version': now.date().isoformat(), 'licence': 'MIT (random weights)',
        'input': {'height': SIDE, 'width': SIDE, 'channels': 3, 'layout': 'NHWC', 'dtype': 'uint8'},
        'labels': [f'class-{k}' for k in range(CLASSES)],
        'models': sorted(models, key=lambda m: m['flops']), 'mux': {'pair': export_mux(folder, args.seed)},
        'policy': {'mode': 'mux', 'thresholds': {'mux': 0.5},
                   'calibration': {'target': 'none: random weights', 'offloadShare': 0.5, 'images': 16}},
        'training': {'command': 'python3 scripts/train/export_real_shapes.py ' + ' '.join(argv), 'config': 'real-shapes',
                     'seed': args.seed, 'durationS': 0, 'date': now.isoformat(timespec='seconds'), 'machine': zoo.machine(),
                     'torch': torch.__version__, 'contrastive': 'none', 'notes': NOTES},
    })
    print(f'wrote {folder}/manifest.json: {NOTES}')


if __name__ == '__main__':
    torch.set_num_threads(1)
    try:
        main(sys.argv[1:])
    except TrainError as error:
        sys.exit(f'export_real_shapes: {error}')
