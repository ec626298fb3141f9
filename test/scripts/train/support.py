"""Makes the trainer's modules importable, and makes small random data so that no test needs the data set."""
import contextlib
import dataclasses
import gzip
import io
import os
import struct
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TRAIN = ROOT / 'scripts' / 'train'
sys.path.insert(0, str(TRAIN))
os.environ.setdefault('OMP_NUM_THREADS', '1')

import torch  # noqa: E402

import config as configs  # noqa: E402
from data import images as datasets  # noqa: E402

torch.set_num_threads(1)


def tiny(**changes):
    """The smoke experiment, smaller still and in float32."""
    base = configs.load('smoke')
    mux = dataclasses.replace(base.mux, epochs=2, batch=32, heldout_repeat=1)
    return dataclasses.replace(base, **{'mux': mux, 'epochs': 2, 'batch': 32, 'amp': 'off', 'mux_count': 64,
                                        'calibration_count': 200, 'train_limit': 0, **changes})


def write_idx(path, array):
    header = struct.pack('>HBB', 0, 8, array.ndim) + struct.pack(f'>{array.ndim}I', *array.shape)
    path.write_bytes(gzip.compress(header + array.astype('uint8').tobytes(), 1))


def write_images(folder, train=600, test=200, seed=0):
    """A learnable toy in Fashion-MNIST's file names: class k is a bright bar at row 2k + 3, in noise."""
    rng = torch.Generator().manual_seed(seed)
    for part, count in (('train', train), ('test', test)):
        labels = torch.randint(0, 10, (count,), generator=rng)
        images = torch.randint(0, 120, (count, 28, 28), generator=rng)
        images[torch.arange(count), labels * 2 + 3] += 90
        write_idx(folder / datasets.FILES[f'{part} images'], images.numpy())
        write_idx(folder / datasets.FILES[f'{part} labels'], labels.numpy())
    return folder


def same(a, b):
    """True if two state dicts hold bitwise equal tensors."""
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def quiet(function, *args, **kwargs):
    """The call's result, without what it prints."""
    with contextlib.redirect_stdout(io.StringIO()):
        return function(*args, **kwargs)


class Toy(unittest.TestCase):
    """Tests on the toy images in `root`; `out` makes folders that go with the test."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.root = write_images(Path(folder.name))

    def out(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return Path(folder.name)
