"""Trains a zoo by Algorithm 1: the models jointly, then the mux, then calibration and export.

    npm run train -- --config pair --install models/fashion-mnist

    npm run train -- mux --from-labels labels.jsonl --data images/ --zoo my-zoo        # a mux for models of yours

Everything lands in --out: log.jsonl, checkpoints, zoo/. Stopped runs go on with --resume.
"""
import argparse
import dataclasses
import shlex
import shutil
import signal
import sys
from pathlib import Path

import torch

import config as configs
import from_labels
from config import TrainError
from data import images as datasets
from data.sources import source_of
from export import zoo
from export.graphs import require_onnx, round_weights
from metrics import predict_all
from networks import flops
from policies.calibrate import calibrate
from steps import parallel
from steps.runtime import Runtime
from steps.stages import fold_models, step1
from steps.step2 import train_mux


def arguments(argv):
    parser = argparse.ArgumentParser(prog='train', description=__doc__.splitlines()[0])
    parser.add_argument('--config', default='smoke', help='experiment: a name under scripts/train/configs, or a .py file (%(default)s)')
    parser.add_argument('--out', help='folder of the run (runs/<config>)')
    parser.add_argument('--data', help='folder with the images, instead of the config\'s')
    parser.add_argument('--install', metavar='DIR', help='copy the finished zoo there')
    parser.add_argument('--only', metavar='IDS', help='train only these models (a,b,c), then stop: work for several processes')
    parser.add_argument('--epochs', type=int, help='of step 1, for every model, instead of the config\'s')
    parser.add_argument('--models-from', metavar='RUN', action='append', default=[],
                        help='take finished models from another run\'s folder (or RUN:a,b) instead of training them; may be repeated, '
                             'the first that has a model wins')
    parser.add_argument('--start-from', metavar='RUN', action='append', default=[], help='likewise, but train on from their weights')
    parser.add_argument('--resume', action='store_true', help='go on from the checkpoints in --out')
    parser.add_argument('--overwrite', action='store_true', help='start anew where checkpoints are')
    parser.add_argument('--pieces', type=int, default=1, metavar='N',
                        help='compute on one process what N processes would: batch norms see an Nth of a batch')
    parser.add_argument('--cache', metavar='DIR', help='folder for the decoded pixels of image folders (<out>/pixels); runs may share it')
    parser.add_argument('--checkpoint-every', type=float, default=180, metavar='S',
                        help='seconds between checkpoints inside an epoch (%(default)s)')
    parser.add_argument('--threads', type=int, default=1, help='CPU threads (%(default)s)')
    parser.add_argument('--device', help='cpu or cuda (cuda where present)')
    parser.add_argument('--notes', default='', help='a remark for the manifest')
    return parser.parse_args(argv)


def prepare(out, args):
    """Refuses to lose a run by accident."""
    if args.resume and args.overwrite:
        raise TrainError('--resume and --overwrite contradict each other')
    found = sorted(path.name for path in out.glob('*.pt'))
    if found and args.overwrite:
        for name in (*found, 'log.jsonl'):
            (out / name).unlink(missing_ok=True)
        shutil.rmtree(out / 'zoo', ignore_errors=True)
    elif found and not args.resume:
        raise TrainError(f'{out} holds a run already ({", ".join(found)}): pass --resume, --overwrite or another --out')


def main(argv):
    args = arguments(argv)
    config = configs.load(args.config)
    only = configs.only(config, args.only.split(',')) if args.only else None
    if args.epochs:
        models = tuple(dataclasses.replace(m, epochs=0) for m in config.models)
        config = dataclasses.replace(config, models=models, epochs=args.epochs)
    out = Path(args.out or f'runs/{config.name}')
    require_onnx()
    if parallel.rank_and_world()[0] == 0:
        prepare(out, args)
    runtime = Runtime(out, config.amp, args.threads, args.device, args.pieces, args.checkpoint_every)

    data = datasets.load(config, args.data, args.cache or out / 'pixels')
    runtime.say('start', config=config.name, seed=config.seed, device=str(runtime.device), format=str(runtime.dtype or torch.float32),
                processes=runtime.world, train=len(data.train), mux=len(data.mux), calibration=len(data.calibration), test=len(data.test))

    models, projections, reused = step1(config, data, runtime, args.models_from, args.start_from, only)
    if only:
        return
    as_shipped(config, models)
    folds = fold_models(config, data, runtime)
    if runtime.rank:                                            # the mux is small: one process trains it
        return
    muxes = step2(config, data, models, projections, folds, runtime)
    as_shipped(config, muxes.values())
    graphs = calibrate(config, data, models, muxes['pair'], muxes.get('group'), runtime)

    command = 'npm run train -- ' + shlex.join(a for a in argv if a != '--resume')
    run = {'command': command, 'durationS': round(runtime.elapsed()), 'machine': zoo.machine(), 'notes': args.notes, 'reused': reused}
    report(zoo.write_zoo(config, data, graphs, out / 'zoo', run), runtime)
    if args.install:
        zoo.install(out / 'zoo', args.install)
        runtime.say('done', installed=args.install)


def as_shipped(config, nets):
    """Whatever is measured, calibrated or learnt from is of the weights that the files will hold."""
    if config.weights == 'float16':
        for net in nets:
            round_weights(net)


def step2(config, data, models, projections, folds, runtime, until=None):
    """{'pair': mux} and, where the zoo has a group, {'group': mux}; `until` stops early (epochs done)."""
    _, h, w, channels = data.train.images.shape
    costs = [flops.count(model, (channels, h, w)) for model in models]
    source = source_of(config, data, models, runtime, folds)
    held = data.calibration, predict_all(models, data.calibration, config, runtime)
    kinds = ('pair', 'group') if configs.group_of(config) else ('pair',)
    return {kind: train_mux(config, kind, source, held, costs, runtime, until, (models, projections)) for kind in kinds}


def report(written, runtime):
    """The zoo's figures on the test images, as lines of the log."""
    for model in written['models']:
        runtime.say('zoo', id=model['id'], flops=model['flops'], accuracy=model['accuracy'])
    for kind, entry in written['mux'].items():
        runtime.say('zoo', id=f'mux-{kind}', **{k: entry[k] for k in ('flops', 'accuracy', 'auroc')})
    for mode, reached in written['training']['test'].items():
        runtime.say('zoo', mode=mode, shipped=mode == written['policy']['mode'], **reached)
    for row in written['training'].get('testGroup', ()):
        runtime.say('zoo', **row)


def interrupted(number, _frame):
    """Ends the run on the first Ctrl-C; a second one (launchers and shells repeat it) must not break the ending."""
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == '__main__':
    signal.signal(signal.SIGINT, interrupted)
    try:
        from_labels.main(sys.argv[2:]) if sys.argv[1:2] == ['mux'] else main(sys.argv[1:])
        parallel.leave()
    except TrainError as error:
        sys.exit(f'train: {error}')
    except KeyboardInterrupt:
        print('train: stopped; --resume goes on from the last checkpoint', file=sys.stderr)
        sys.exit(130)
