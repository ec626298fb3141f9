"""Image folders in ImageNet's layout: train/<class>/*, val/<class>/* (or test/<class>/*), pictures of any size.

A million pictures do not fit into memory: `Pictures` holds their paths and decodes what a batch asks for as the device does before its
networks (pictures.py).
"""
from concurrent.futures import ThreadPoolExecutor
import os

import numpy as np
import torch

from config import TrainError
from data.split import Split

SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.ppm', '.tif', '.tiff')
POOL = None


class Pictures:
    """A tensor's stand-in of shape [N, height, width, channels]: indexing decodes, on several threads.

    size: the side of square pictures of 3 channels, or (height, width, channels); how: fit, share and kernel of the
    networks' input where they are not the manifest's defaults (pictures.fitted)."""

    def __init__(self, paths, size, how=None):
        self.paths, self.size = list(paths), (size, size, 3) if isinstance(size, int) else tuple(size)
        self.how = dict(how or {})

    @property
    def shape(self):
        return (len(self.paths), *self.size)

    def __len__(self):
        return len(self.paths)

    def take(self, index):
        return Pictures([self.paths[i] for i in index.tolist()], self.size, self.how)

    def followed_by(self, *others):
        return Pictures([path for pictures in (self, *others) for path in pictures.paths], self.size, self.how)

    def __getitem__(self, index):
        """uint8 [n, height, width, channels] of a slice or an index tensor; one picture of a number."""
        if isinstance(index, int) or torch.is_tensor(index) and index.ndim == 0:
            return decode(self.paths[int(index)], self.size, self.how)
        chosen = self.paths[index] if isinstance(index, slice) else [self.paths[i] for i in index.tolist()]
        return torch.stack(list(pool().map(lambda path: decode(path, self.size, self.how), chosen)))


def pool():
    global POOL
    POOL = POOL or ThreadPoolExecutor(min(8, os.cpu_count() or 1))
    return POOL


def decode(path, size, how):
    """A file's picture as uint8 of `size` (height, width, channels), in sRGB or grey levels; `how` as for pictures.fitted."""
    from data import pictures
    try:
        return torch.from_numpy(pictures.decode(path, *size, **how))
    except OSError as error:
        raise TrainError(f'cannot read {path}: {error}') from error


def read(root, size, how=None):
    """(training Split, test Split, class names) of the folders below `root`; size and how as Pictures takes them."""
    try:
        import PIL  # noqa: F401
    except ImportError as error:
        raise TrainError('image folders need the Python package pillow (Debian: apt-get install python3-pil)') from error
    if size < 8:
        raise TrainError(f'image folders need the config\'s `size`, the side of the networks\' input in pixels (it is {size})')
    part = next((p for p in ('val', 'test') if (root / p).is_dir()), None)
    if part is None:
        raise TrainError(f'{root} has train/ but neither val/ nor test/')
    classes = sorted(p.name for p in (root / 'train').iterdir() if p.is_dir())
    if len(classes) < 2:
        raise TrainError(f'{root / "train"} must hold a folder for each of two or more classes')
    splits = []
    for folder in (root / 'train', root / part):
        strangers = sorted(p.name for p in folder.iterdir() if p.is_dir() and p.name not in classes)
        if strangers:
            raise TrainError(f'{folder} has classes that train/ lacks: {", ".join(strangers[:5])}')
        found = [(path, k) for k, name in enumerate(classes) for path in sorted((folder / name).rglob('*'))
                 if path.suffix.lower() in SUFFIXES]
        if not found:
            raise TrainError(f'no pictures below {folder} (looked for {", ".join(SUFFIXES)})')
        splits.append(Split(Pictures([p for p, _ in found], size, how), torch.tensor([k for _, k in found])))
    return (*splits, tuple(classes))
