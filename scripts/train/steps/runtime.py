"""Where and how a run computes: device, number format, checkpoints, the log."""
import json
import os
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import torch

from config import TrainError, differences
from steps import parallel


class Runtime:
    """Device, number format, place among the processes and output folder of a run. `say` prints a line and appends it
    to log.jsonl; of several processes only the first speaks and saves.

    pieces: every batch is cut so, and batch norms see one piece at a time: one process then computes what that many do.
    every_s: seconds between checkpoints inside an epoch; several processes save at the ends of epochs only, as the running
    statistics of each differ before."""

    def __init__(self, out, amp='auto', threads=1, device=None, pieces=1, every_s=180):
        self.out = Path(out)
        self.device = device_of(device)
        self.rank, self.world = parallel.join(self.device)
        self.pieces = pieces
        if pieces > 1 and self.world > 1:
            raise TrainError('--pieces is for one process: several already see a piece each')
        if self.device.type == 'cpu':
            torch.set_num_threads(threads)
        self.dtype = number_format(amp, self.device)
        self.scaler = torch.cuda.amp.GradScaler(enabled=self.dtype == torch.float16)
        self.every_s, self.saved = every_s, time.monotonic()
        self.started = time.monotonic() - logged_seconds(self.out / 'log.jsonl')

    def elapsed(self):
        """Seconds of work on this run, those before it was resumed included."""
        return time.monotonic() - self.started

    def autocast(self):
        """bfloat16 (the range of float32) where the hardware has it; float16, with a loss scaler, on older GPUs."""
        return torch.autocast(self.device.type, dtype=self.dtype) if self.dtype else nullcontext()

    def say(self, phase, **values):
        if self.rank:
            return
        self.out.mkdir(parents=True, exist_ok=True)
        line = {'t': round(self.elapsed(), 1), 'phase': phase, **values}
        with open(self.out / 'log.jsonl', 'a', encoding='utf-8') as log:
            log.write(json.dumps(line) + '\n')
        shown = ' '.join(f'{k} {v:.4f}' if isinstance(v, float) else f'{k} {v}' for k, v in values.items())
        print(f'{line["t"]:8.1f}s  {phase:<9} {shown}', flush=True)

    def save(self, name, state):
        """Checkpoint, whole or not at all."""
        if self.rank:
            return
        self.out.mkdir(parents=True, exist_ok=True)
        torch.save(state, self.out / f'{name}.tmp')
        os.replace(self.out / f'{name}.tmp', self.out / name)
        self.saved = time.monotonic()

    def checkpoint_due(self):
        """Whether an unfinished epoch is to be saved now."""
        return self.world == 1 and time.monotonic() - self.saved >= self.every_s

    def progress(self, phase, epoch, epochs, batches, size, done=0):
        """A Progress of one epoch, silent on all processes but the first."""
        return Progress(phase, epoch, epochs, batches, size, done, silent=self.rank > 0)

    def load(self, name, config, ignore=()):
        """The checkpoint's state, or None; a TrainError if another config wrote it (differing in more than `ignore`)."""
        path = self.out / name
        if not path.is_file():
            return None
        try:
            state = torch.load(path, map_location=self.device)
        except Exception as error:                              # torch raises many kinds for a damaged file
            raise TrainError(f'{path} is not a readable checkpoint ({error}); remove it, or pass --overwrite') from error
        changed = differences(state['config'], config, ignore)
        if changed:
            raise TrainError(f'{path} was written with another config (differs in {", ".join(changed)}): '
                             'choose another --out, or pass --overwrite')
        return state


class Progress:
    """Says on stderr, every half minute, how far an epoch is: pictures a second, time left of all epochs."""
    EVERY_S = 30

    def __init__(self, phase, epoch, epochs, batches, size, done=0, silent=False):
        self.words = phase, epoch, epochs, batches, size
        self.first, self.silent = done, silent
        self.began = self.said = time.monotonic()

    def at(self, batch):
        """After batch number `batch` (from 1)."""
        now = time.monotonic()
        if self.silent or now - self.said < self.EVERY_S:
            return
        self.said = now
        phase, epoch, epochs, batches, size = self.words
        rate = (batch - self.first) / (now - self.began)
        left = ((epochs - epoch) * batches - batch) / rate / 60
        print(f'{phase}: epoch {epoch + 1}/{epochs}, batch {batch}/{batches}, {rate * size:.0f} images/s, {left:.1f} min left',
              file=sys.stderr, flush=True)


def random_state(rng):
    """Of the epoch's stream and of torch's global ones."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {'epoch': rng.get_state(), 'cpu': torch.get_rng_state(), 'cuda': cuda}


def set_random_state(rng, state):
    rng.set_state(state['epoch'].cpu())
    torch.set_rng_state(state['cpu'].cpu())
    if state['cuda']:
        torch.cuda.set_rng_state_all([s.cpu() for s in state['cuda']])


def logged_seconds(path):
    """The clock of the last whole line of a log, 0 without one."""
    try:
        return json.loads(path.read_text(encoding='utf-8').splitlines()[-1])['t']
    except (OSError, IndexError, ValueError):
        return 0.0


def device_of(name):
    """torch.device of a name; by default the GPU that LOCAL_RANK numbers, or the CPU."""
    name = name or ('cuda' if torch.cuda.is_available() else 'cpu')
    return torch.device('cuda', int(os.environ.get('LOCAL_RANK', 0))) if name == 'cuda' else torch.device(name)


def number_format(amp, device):
    """The autocast type, or None for float32. amp: 'auto', 'bf16', 'fp16' or 'off'."""
    if amp == 'auto':
        if has_bf16(device):
            return torch.bfloat16
        return torch.float16 if device.type == 'cuda' else None
    return {'bf16': torch.bfloat16, 'fp16': torch.float16, 'off': None}[amp]


def has_bf16(device):
    """True where bfloat16 convolutions are faster than float32 ones."""
    if device.type == 'cuda':
        return torch.cuda.is_bf16_supported()
    try:
        flags = Path('/proc/cpuinfo').read_text(encoding='utf-8')
    except OSError:
        return False
    return 'avx512_bf16' in flags or 'amx_bf16' in flags


def seed_epoch(rng):
    """Seeds torch's global stream (dropout) from the epoch's own."""
    torch.manual_seed(int(torch.randint(0, 2 ** 31, (1,), generator=rng)))
