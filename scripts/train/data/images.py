"""Images in, batches out. Images stay uint8 [N, H, W, C], as the exported graphs take them, until a batch is used."""
import gzip
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from config import TrainError
from data import folders
from data.split import Split

FILES = {
    'train images': 'train-images-idx3-ubyte.gz', 'train labels': 'train-labels-idx1-ubyte.gz',
    'test images': 't10k-images-idx3-ubyte.gz', 'test labels': 't10k-labels-idx1-ubyte.gz',
}
FASHION = ('t-shirt/top', 'trouser', 'pullover', 'dress', 'coat', 'sandal', 'shirt', 'sneaker', 'bag', 'ankle boot')


@dataclass
class Data:
    """`train` teaches the models; `mux` is new to them and teaches the mux; `calibration` is new to both."""
    train: Split
    mux: Split
    calibration: Split
    test: Split
    labels: tuple
    root: Path


def read_idx(path):
    """Array of an IDX file, gzipped or not (big-endian header: two zero bytes, type 8 = uint8, number of dimensions)."""
    try:
        raw = path.read_bytes()
        raw = gzip.decompress(raw) if raw[:2] == b'\x1f\x8b' else raw
        zero, kind, dims = struct.unpack('>HBB', raw[:4])
        shape = struct.unpack(f'>{dims}I', raw[4:4 + 4 * dims])
        if zero or kind != 8:
            raise ValueError('not an IDX file of bytes')
        return np.frombuffer(raw, np.uint8, offset=4 + 4 * dims).reshape(shape)
    except (OSError, EOFError, struct.error, ValueError) as error:
        raise TrainError(f'cannot read {path}: {error}') from error


def read_split(root, part):
    """Split of the two IDX files of `part` ('train' or 'test') under `root`."""
    images, labels = (read_idx(root / FILES[f'{part} {what}']) for what in ('images', 'labels'))
    if images.ndim != 3 or len(images) != len(labels):
        raise TrainError(f'{root}: {part} images {images.shape} and labels {labels.shape} do not belong together')
    return Split(torch.from_numpy(images.copy())[..., None], torch.from_numpy(labels.astype(np.int64)))


def load(config, root=None):
    """Data of a folder; which image falls into which split depends on the seed alone."""
    root = Path(root or config.source)
    if (root / 'train').is_dir():
        train, test, labels = folders.read(root, config.size)
    elif root.is_dir():
        train, test, labels = read_split(root, 'train'), read_split(root, 'test'), FASHION
    else:
        raise TrainError(f'no images at {root}: install Debian\'s dataset-fashion-mnist (apt-get install dataset-fashion-mnist), '
                         'or pass --data DIR with the four IDX files, or with image folders train/<class>/ and val/<class>/')
    held = config.mux_count + config.calibration_count
    if held >= len(train):
        raise TrainError(f'mux_count + calibration_count = {held} leaves none of the {len(train)} training images')
    order = torch.randperm(len(train), generator=generator(config.seed, 'split'))
    mux, calibration, rest = order.split([config.mux_count, config.calibration_count, len(train) - held])
    rest = rest[:config.train_limit or None]
    if len(rest) < config.batch:
        raise TrainError(f'{len(rest)} training images are left for batches of {config.batch}')
    if len(config.mean) != train.images.shape[3]:
        raise TrainError(f'the config\'s mean is of {len(config.mean)} channel(s), the images have {train.images.shape[3]}')
    return Data(train.take(rest), train.take(mux), train.take(calibration), test, labels, root)


def generator(seed, *names):
    """A CPU random stream of its own for every purpose and epoch, so that a resumed run draws what an unbroken one does."""
    text = '/'.join(str(n) for n in (seed, *names)).encode()
    value = 1469598103934665603                                 # FNV-1a, 64 bits
    for byte in text:
        value = ((value ^ byte) * 1099511628211) % 2 ** 64
    return torch.Generator().manual_seed(value % 2 ** 63)


def batches(split, size, rng, device):
    """Shuffled (images, labels) of one epoch; the last, incomplete batch is left out (batch norm dislikes tiny ones)."""
    order = torch.randperm(len(split), generator=rng)
    for start in range(0, len(order) - size + 1, size):
        index = order[start:start + size].to(split.labels.device)
        yield split.images[index].to(device), split.labels[index].to(device)


def augment(images, config, rng):
    """Random flip, shift (filled with black) and erased rectangle (filled with one random grey): uint8 [N, H, W, C] → same."""
    n, h, w, _ = images.shape

    def draw(low, high):                                        # integers in [low, high], one an image
        return torch.randint(low, high + 1, (n,), generator=rng).to(images.device)

    def chance(p):
        return (torch.rand(n, generator=rng) < p).to(images.device)

    rows, cols = torch.arange(h, device=images.device), torch.arange(w, device=images.device)
    if config.flip:
        images = torch.where(chance(0.5)[:, None, None, None], images.flip(2), images)
    if config.shift:
        s = config.shift
        padded = torch.nn.functional.pad(images, (0, 0, s, s, s, s))
        y, x = rows + draw(0, 2 * s)[:, None], cols + draw(0, 2 * s)[:, None]
        images = padded[torch.arange(n, device=images.device)[:, None, None], y[:, :, None], x[:, None, :]]
    if config.erase:
        eh, ew = draw(config.erase_min, config.erase_max), draw(config.erase_min, config.erase_max)
        top = (torch.rand(n, generator=rng).to(images.device) * (h - eh + 1)).long()[:, None]
        left = (torch.rand(n, generator=rng).to(images.device) * (w - ew + 1)).long()[:, None]
        inside = ((rows >= top) & (rows < top + eh[:, None]))[:, :, None] & ((cols >= left) & (cols < left + ew[:, None]))[:, None]
        inside &= chance(config.erase)[:, None, None]
        images = torch.where(inside[..., None], draw(0, 255).to(images.dtype)[:, None, None, None], images)
    return images


def normalise(images, mean, std):
    """uint8 [N, H, W, C] → float32 [N, C, H, W], zero mean and unit deviation over the training set. mean, std: [C]."""
    mean, std = (torch.tensor(v, device=images.device).view(1, -1, 1, 1) for v in (mean, std))
    return (images.permute(0, 3, 1, 2).float() / 255 - mean) / std
