"""A mux for models that somebody else trained, from what they said of labelled images; the models are not touched.

    npm run train -- mux --from-labels labels.jsonl --data images/ --zoo my-zoo

With --zoo the mux joins that zoo: its mux files are written, its manifest gets `mux` and calibrated policies, and everything
else stays. Without, --out holds mux.onnx (and mux-group.onnx) with mux.json, the same parts of a manifest.
"""
import argparse
import datetime
import json
import shlex
from dataclasses import replace
from pathlib import Path

import torch

from config import Config, Model, Mux, TrainError, group_of, role
from data import labels as label_files
from data.cache import mapped
from data.folders import Pictures
from data.images import FILES, read_split
from data.split import Split
from export.graphs import GroupMuxGraph, MuxGraph, file_entry, require_onnx, run_twin, write_onnx
from export.manifest import group_test, pair_test, rounded
from export.zoo import machine, write_json
from metrics import accuracy, auroc, auroc_interval, fit_logistic, fit_temperature, predict
from networks import flops
from policies.calibrate import policy
from policies.group_rules import GroupOutputs
from policies.rules import Outputs
from steps.runtime import Runtime
from steps.step2 import mean, train_mux


def arguments(argv):
    parser = argparse.ArgumentParser(prog='train mux', description=__doc__.splitlines()[0])
    parser.add_argument('--from-labels', required=True, metavar='FILE', help='labels file of `edgemux label` (*.labels or JSON lines), or an NPZ (README.md)')
    parser.add_argument('--data', required=True, help='folder of the images: the paths in FILE are below it, or it holds IDX files')
    parser.add_argument('--zoo', metavar='DIR', help='zoo of the models: the mux joins it')
    parser.add_argument('--out', help='folder of the run (runs/mux)')
    parser.add_argument('--size', type=int, default=0, help='side of the mux\'s input where the zoo does not say it')
    parser.add_argument('--loss', default='correctness', choices=('correctness', 'paper'))
    parser.add_argument('--epochs', type=int, default=40)
    parser.add_argument('--no-flip', action='store_true', help='a mirrored picture means something else (writing, traffic signs)')
    parser.add_argument('--force', action='store_true', help='a mux that is no better than chance joins the zoo all the same')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--device')
    parser.add_argument('--resume', action='store_true')
    return parser.parse_args(argv)


def main(argv):
    args = arguments(argv)
    require_onnx()
    found = label_files.read(args.from_labels)
    out = Path(args.out or 'runs/mux')
    if (out / 'mux.pt').exists() and not args.resume:
        raise TrainError(f'{out} holds a mux already: pass --resume or another --out')
    zoo = read_zoo(args.zoo, found) if args.zoo else None
    images = pictures(found, Path(args.data), zoo['input'] if zoo else None, args.size)
    split = Split(mapped(images, out / 'pixels', 'labelled') if isinstance(images, Pictures) else images, found.truth)
    config = config_of(found, split, args)
    runtime = Runtime(out, config.amp, args.threads, args.device)
    train, held, test = label_files.parts(len(split), config.seed)
    runtime.say('start', labels=str(args.from_labels), train=len(train), calibration=len(held), test=len(test))

    costs = [m['flops'] for m in found.models]
    source = label_files.Labelled(config, split.take(train), found.probabilities, train)
    kinds = ('pair', 'group') if group_of(config) else ('pair',)
    judged = split.take(held), label_files.logits(found.probabilities[:, held])
    muxes = {kind: train_mux(config, kind, source, judged, costs, runtime) for kind in kinds}
    graphs = graphs_of(config, muxes, split.take(held), found.probabilities[:, held], runtime)
    if zoo and not args.force:
        refuse_chance(outputs_of(config, graphs, split.take(test), found.probabilities[:, test], costs)[0])

    target = Path(args.zoo) if args.zoo else out
    command = 'npm run train -- mux ' + shlex.join(a for a in argv if a != '--resume')
    part = describe(config, graphs, split, found, (held, test), target, costs, command)
    write_json(target / 'manifest.json', joined(zoo, part)) if zoo else write_json(target / 'mux.json', part)
    for kind, entry in part['mux'].items():
        runtime.say('mux', id=kind, **{k: entry[k] for k in ('flops', 'accuracy', 'auroc')})
    runtime.say('done', wrote=str(target), mode=part['policy']['mode'])


def joined(zoo, part):
    """The zoo's manifest with the mux in it. Its golden vectors go: they knew no mux."""
    kept = {key: value for key, value in zoo.items() if key != 'golden'}
    return {**kept, 'version': datetime.date.today().isoformat(), 'mux': part['mux'], 'policy': part['policy'],
            'training': {**zoo.get('training', {}), 'mux': part['training']}}


def refuse_chance(pair):
    """A mux that cannot tell the images on which the local model is wrong would offload at random: it joins no zoo."""
    interval = auroc_interval(pair.score, 1 - pair.right(pair.local))
    if interval is None:
        raise TrainError('the local model is right (or wrong) on every test image: nothing to learn for a mux; --force installs it')
    if interval[0] <= 0.5:
        low, high = interval
        raise TrainError(f'the mux finds the errors of the local model no better than chance (AUROC in [{low:.3f}, {high:.3f}] on '
                         f'{len(pair.score)} test images): it is not installed. More images, or the cascade, which needs no mux; --force installs it')


def read_zoo(folder, found):
    """The manifest whose models the labels are of."""
    try:
        manifest = json.loads((Path(folder) / 'manifest.json').read_text(encoding='utf-8'))
        ids = {m['id'] for m in manifest['models']}
    except (OSError, ValueError, KeyError) as error:
        raise TrainError(f'no zoo in {folder}: {error}') from error
    strangers = [m['id'] for m in found.models if m['id'] not in ids]
    if strangers:
        raise TrainError(f'the labels are of {", ".join(strangers)}, which {folder} does not have (it has {", ".join(sorted(ids))})')
    if manifest['labels'] != found.labels:
        raise TrainError(f'the class names of the labels file are not those of {folder}')
    return manifest


def pictures(found, root, shape, size):
    """The images of the file's rows: uint8 tensor [N, H, W, C], or Pictures below `root`."""
    if isinstance(found.images[0], str):
        side = (shape['height'], shape['width'], shape['channels']) if shape else (size, size, 3)
        if min(side[:2]) < 8:
            raise TrainError('the size of the mux\'s input is needed: name the --zoo, or a side with --size')
        missing = next((name for name in found.images if not (root / name).is_file()), None)
        if missing:
            raise TrainError(f'there is no {root / missing}')
        how = {key: shape[key] for key in ('fit', 'share', 'kernel') if key in (shape or {})}
        return Pictures([root / name for name in found.images], side, how)
    part = 'train' if found.part == 'train' else 'test'
    split = read_split(root, part)
    if max(found.images) >= len(split):
        raise TrainError(f'the labels file names image {max(found.images)}, {root / FILES[part + " images"]} has {len(split)}')
    images = split.take(torch.tensor(found.images))
    if not torch.equal(images.labels, found.truth):
        raise TrainError(f'the labels in the file are not those of {root}: wrong part or wrong data')
    return images.images


def config_of(found, split, args):
    """A Config that stands for somebody else's models: cheapest local, dearest cloud where the file names no roles."""
    order = sorted(range(len(found.models)), key=lambda k: found.models[k]['flops'])
    roles = [list(m.get('roles', [])) for m in found.models]
    for name, k in (('local', order[0]), ('cloud', order[-1])):
        if not any(name in r for r in roles):
            roles[k].append(name)
    first = split.images[:min(len(split), 2000)].float() / 255
    mean_, std = first.mean((0, 1, 2)), first.std((0, 1, 2)).clamp_min(1e-3)
    arch = 'mux4' if split.images.shape[1] == split.images.shape[2] and 25 <= split.images.shape[1] <= 32 else 'mux-large'
    return Config(name='from-labels', models=tuple(Model(m['id'], 'yours', tuple(r)) for m, r in zip(found.models, roles)),
                  mux=replace(Mux(), arch=arch, loss=args.loss, epochs=args.epochs, batch=min(256, len(split) // 10)),
                  seed=args.seed, mean=tuple(mean_.tolist()), std=tuple(std.tolist()), flip=not args.no_flip)


def graphs_of(config, muxes, held, probabilities, runtime):
    """Calibrated graphs: {'pair': MuxGraph, 'group': GroupMuxGraph}."""
    graphs = {}
    for kind, mux in muxes.items():
        need, logits = predict(mux, held, config, runtime, output=(0, 1))
        temperature = fit_temperature(logits, held.labels)
        if kind == 'pair':
            bias = torch.quantile(need[:, 0], 1 - config.mux.offload_share).item()
            graphs[kind] = MuxGraph(mux, config.mean, config.std, bias, temperature)
        else:
            wrong = probabilities[group_of(config)].argmax(2) != held.labels
            fits = torch.tensor([fit_logistic(need[:, n], w) for n, w in enumerate(wrong)])
            graphs[kind] = GroupMuxGraph(mux, config.mean, config.std, fits[:, 0], fits[:, 1], temperature)
    return graphs


def describe(config, graphs, split, found, rows, target, costs, command):
    """Writes the ONNX files into `target`; returns the manifest's `mux` and `policy`, and a record of the training.

    rows: (calibration, test) indices."""
    h, w, c = split.images.shape[1:]
    entries = {}
    for kind, graph in graphs.items():
        name = 'mux.onnx' if kind == 'pair' else 'mux-group.onnx'
        sizes = flops.count(graph.net, (c, h, w))
        write_onnx(graph, target / name, (h, w, c))
        entries[kind] = {**file_entry(target, name), 'architecture': f'{config.mux.arch} (four convolutions), loss {config.mux.loss}',
                         'flops': sizes}
    held, test = (outputs_of(config, graphs, split.take(index), found.probabilities[:, index], costs) for index in rows)
    pair, group = test
    entries['pair'].update(accuracy=rounded(accuracy(pair.mux, pair.labels)),
                           auroc=rounded(auroc(pair.score, 1 - pair.right(pair.local))))
    chosen = policy(config, *held, entries['pair']['flops'] / costs[role(config, 'local')])
    training = {'command': command, 'seed': config.seed, 'images': len(split), 'machine': machine(), 'torch': torch.__version__,
                'test': pair_test(pair, chosen)}
    if group is not None:
        scores = mean([auroc(-group.correct[:, n], m) for n, m in enumerate(group.models.argmax(2) != group.labels)])
        entries['group'].update(accuracy=None, auroc=rounded(scores), models=[config.models[k].id for k in group_of(config)])
        training['testGroup'] = group_test(group, chosen['calibration']['group'])
    return {'mux': entries, 'policy': chosen, 'training': training}


def outputs_of(config, graphs, part, probabilities, costs):
    """(rules.Outputs, GroupOutputs or None) on a Split with its models' probabilities [M, N, K]."""
    score, classes = run_twin(graphs['pair'], part.images)
    pair = Outputs(score, classes, probabilities[role(config, 'local')], probabilities[role(config, 'cloud')], part.labels)
    if 'group' not in graphs:
        return pair, None
    chosen = group_of(config)
    correct, weights, _ = run_twin(graphs['group'], part.images)
    return pair, GroupOutputs(correct, weights, probabilities[chosen], part.labels, torch.tensor([float(costs[k]) for k in chosen]))
