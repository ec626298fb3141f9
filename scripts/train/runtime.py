"""Where and how a run computes: device, number format, checkpoints, the log."""
import json
import os
import time
from contextlib import nullcontext
from pathlib import Path

import torch

from config import TrainError


class Runtime:
    """Device and output folder of a run. `say` prints a line and appends it to log.jsonl."""

    def __init__(self, out, amp='auto', threads=1, device=None):
        self.out = Path(out)
        self.device = torch.device(device or ('cuda' if torch.cuda.is_available() else 'cpu'))
        if self.device.type == 'cpu':
            torch.set_num_threads(threads)
        self.bf16 = amp == 'bf16' or amp == 'auto' and has_bf16(self.device)
        self.started = time.monotonic() - logged_seconds(self.out / 'log.jsonl')

    def elapsed(self):
        """Seconds of work on this run, those before it was resumed included."""
        return time.monotonic() - self.started

    def autocast(self):
        """bfloat16 where it pays: same range as float32, so no loss scaling."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16) if self.bf16 else nullcontext()

    def say(self, phase, **values):
        self.out.mkdir(parents=True, exist_ok=True)
        line = {'t': round(self.elapsed(), 1), 'phase': phase, **values}
        with open(self.out / 'log.jsonl', 'a', encoding='utf-8') as log:
            log.write(json.dumps(line) + '\n')
        shown = ' '.join(f'{k} {v:.4f}' if isinstance(v, float) else f'{k} {v}' for k, v in values.items())
        print(f'{line["t"]:8.1f}s  {phase:<9} {shown}', flush=True)

    def save(self, name, state):
        """Checkpoint, whole or not at all."""
        self.out.mkdir(parents=True, exist_ok=True)
        torch.save(state, self.out / f'{name}.tmp')
        os.replace(self.out / f'{name}.tmp', self.out / name)

    def load(self, name, config):
        """The checkpoint's state, or None; a TrainError if another config wrote it."""
        path = self.out / name
        if not path.is_file():
            return None
        try:
            state = torch.load(path, map_location=self.device)
        except Exception as error:                              # torch raises many kinds for a damaged file
            raise TrainError(f'{path} is not a readable checkpoint ({error}); remove it, or pass --overwrite') from error
        if state['config'] != config:
            changed = sorted(k for k in config if state['config'].get(k) != config[k])
            raise TrainError(f'{path} was written with another config (differs in {", ".join(changed)}): '
                             'choose another --out, or pass --overwrite')
        return state


def logged_seconds(path):
    """The clock of the last whole line of a log, 0 without one."""
    try:
        return json.loads(path.read_text(encoding='utf-8').splitlines()[-1])['t']
    except (OSError, IndexError, ValueError):
        return 0.0


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
