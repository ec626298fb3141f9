"""Trains a zoo by Algorithm 1: the models jointly, then the mux, then calibration and export.

    npm run train -- --config pair --install models/fashion-mnist

Everything lands in --out: log.jsonl, checkpoints, zoo/. Stopped runs go on with --resume.
"""
import argparse
import shlex
import shutil
import signal
import sys
from pathlib import Path

import config as configs
import data as datasets
import zoo
from calibrate import calibrate
from config import TrainError
from export import require_onnx
from runtime import Runtime
from step1 import CHECKPOINT as MODELS, train_models
from step2 import CHECKPOINT as MUX, train_mux


def arguments(argv):
    parser = argparse.ArgumentParser(prog='train', description=__doc__.splitlines()[0])
    parser.add_argument('--config', default='smoke', help='experiment: a name under scripts/train/configs, or a .py file (%(default)s)')
    parser.add_argument('--out', help='folder of the run (runs/<config>)')
    parser.add_argument('--data', help='folder with the images, instead of the config\'s')
    parser.add_argument('--install', metavar='DIR', help='copy the finished zoo there')
    parser.add_argument('--resume', action='store_true', help='go on from the checkpoints in --out')
    parser.add_argument('--overwrite', action='store_true', help='start anew where checkpoints are')
    parser.add_argument('--threads', type=int, default=1, help='CPU threads (%(default)s)')
    parser.add_argument('--device', help='cpu or cuda (cuda where present)')
    parser.add_argument('--notes', default='', help='a remark for the manifest')
    return parser.parse_args(argv)


def prepare(out, args):
    """Refuses to lose a run by accident."""
    if args.resume and args.overwrite:
        raise TrainError('--resume and --overwrite contradict each other')
    found = [name for name in (MODELS, MUX) if (out / name).exists()]
    if found and args.overwrite:
        for name in (*found, 'log.jsonl'):
            (out / name).unlink(missing_ok=True)
        shutil.rmtree(out / 'zoo', ignore_errors=True)
    elif found and not args.resume:
        raise TrainError(f'{out} holds a run already ({", ".join(found)}): pass --resume, --overwrite or another --out')


def main(argv):
    args = arguments(argv)
    config = configs.load(args.config)
    out = Path(args.out or f'runs/{config.name}')
    require_onnx()
    prepare(out, args)
    runtime = Runtime(out, config.amp, args.threads, args.device)

    data = datasets.load(config, args.data)
    runtime.say('start', config=config.name, seed=config.seed, device=str(runtime.device), bf16=runtime.bf16,
                train=len(data.train), mux=len(data.mux), calibration=len(data.calibration), test=len(data.test))

    models, _ = train_models(config, data, runtime)             # step 1
    mux = train_mux(config, data, models, runtime)              # step 2
    graphs = calibrate(config, data, models, mux, runtime)

    command = 'npm run train -- ' + shlex.join(a for a in argv if a != '--resume')
    run = {'command': command, 'durationS': round(runtime.elapsed()), 'machine': zoo.machine(), 'notes': args.notes}
    written = zoo.write_zoo(config, data, graphs, out / 'zoo', run)
    for model in written['models']:
        runtime.say('zoo', id=model['id'], flops=model['flops'], accuracy=model['accuracy'])
    runtime.say('zoo', id='mux', **{k: written['mux']['pair'][k] for k in ('flops', 'accuracy', 'auroc')})
    runtime.say('zoo', id='hybrid', **written['training']['test'])
    if args.install:
        zoo.install(out / 'zoo', args.install)
        runtime.say('done', installed=args.install)


def interrupted(number, _frame):
    """Ends the run on the first Ctrl-C; a second one (launchers and shells repeat it) must not break the ending."""
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == '__main__':
    signal.signal(signal.SIGINT, interrupted)
    try:
        main(sys.argv[1:])
    except TrainError as error:
        sys.exit(f'train: {error}')
    except KeyboardInterrupt:
        print('train: stopped; --resume goes on after the last finished epoch', file=sys.stderr)
        sys.exit(130)
