"""Images in, batches out. Images stay uint8 [N, H, W, C], as the exported graphs take them, until a batch is used."""
import gzip
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from config import TrainError
from data import folders
from data.cache import mapped
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


def load(config, root=None, cache=None):
    """Data of a folder; which image falls into which split depends on the seed alone. cache: folder for the pixels of image folders,
    decoded once; without it every batch decodes its own."""
    root = Path(root or config.source)
    if (root / 'train').is_dir():
        train, test, labels = folders.read(root, config.size, config.how)
        if cache:
            train, test = (Split(mapped(s.images, Path(cache), part), s.labels) for s, part in ((train, 'train'), (test, 'test')))
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


def batches(split, size, rng, device, done=0):
    """Shuffled (images, labels, rows) of one epoch, the first `done` of them left out; so is the last, incomplete batch (batch norm
    dislikes tiny ones)."""
    order = torch.randperm(len(split), generator=rng)
    for start in range(done * size, len(order) - size + 1, size):
        rows = order[start:start + size]
        index = rows.to(split.labels.device)
        yield split.images[index].to(device), split.labels[index].to(device), rows


def flips(config, count, epoch):
    """Which rows of a split are mirrored in an epoch of step 1, bool [count]: with 'alternate' half of them, by lot, in the even
    epochs and the other half in the odd ones. None: each is left to chance."""
    if not config.flip or config.flips != 'alternate':
        return None
    lot = torch.rand(count, generator=generator(config.seed, 'flips')) < 0.5
    return lot ^ bool(epoch % 2)


def augment(images, config, rng, mirrored=None):
    """uint8 [N, H, W, C] → same: each picture changed at random; or mirrored where `mirrored`, bool [N], says so."""
    return changed(images, config, draws(config, len(images), images.shape[1:3], rng, mirrored))


def draws(config, n, size, rng, mirrored=None):
    """What happens to n pictures of size (H, W), to be applied by `changed`: {name: tensor [n, …]}. Which pictures, it need not know."""
    h, w = size
    drawn = {}

    def integers(low, high):                                    # in [low, high]
        return torch.randint(low, high + 1, (n,), generator=rng)

    if config.flip:
        drawn['mirrored'] = torch.rand(n, generator=rng) < 0.5 if mirrored is None else mirrored
    if config.shift:
        drawn['shift'] = torch.stack([integers(0, 2 * config.shift), integers(0, 2 * config.shift)], 1).to(torch.int16)
    if config.erase:
        eh, ew = integers(config.erase_min, config.erase_max), integers(config.erase_min, config.erase_max)
        top = (torch.rand(n, generator=rng) * (h - eh + 1)).long()
        left = (torch.rand(n, generator=rng) * (w - ew + 1)).long()
        drawn['erased'] = torch.stack([top, top + eh, left, left + ew], 1).to(torch.int16)
        drawn['erase'] = torch.rand(n, generator=rng) < config.erase
        drawn['grey'] = integers(0, 255).to(torch.uint8)
    return drawn


def changed(images, config, drawn):
    """Pictures mirrored, shifted (filled by config.fill) and with a rectangle erased (filled with one grey), as drawn: uint8
    [N, H, W, C] → same."""
    n, h, w, _ = images.shape
    drawn = {name: value.to(images.device) for name, value in drawn.items()}
    rows, cols = torch.arange(h, device=images.device), torch.arange(w, device=images.device)
    if 'mirrored' in drawn:
        images = torch.where(drawn['mirrored'][:, None, None, None], images.flip(2), images)
    if 'shift' in drawn:
        s = config.shift
        down, across = drawn['shift'].long().unbind(1)
        y, x = rows + down[:, None], cols + across[:, None]
        if config.fill == 'reflect':
            y, x = reflected(y - s, h), reflected(x - s, w)
        else:
            images = torch.nn.functional.pad(images, (0, 0, s, s, s, s))
        images = images[torch.arange(n, device=images.device)[:, None, None], y[:, :, None], x[:, None, :]]
    if 'erased' in drawn:
        top, bottom, left, right = drawn['erased'][:, :, None].unbind(1)
        inside = ((rows >= top) & (rows < bottom))[:, :, None] & ((cols >= left) & (cols < right))[:, None]
        inside &= drawn['erase'][:, None, None]
        images = torch.where(inside[..., None], drawn['grey'][:, None, None, None], images)
    return images


def reflected(index, size):
    """Indices beyond 0 … size − 1 mirrored at the edge pixel."""
    return (size - 1) - ((size - 1) - index.abs()).abs()


def normalise(images, mean, std):
    """uint8 [N, H, W, C] → float32 [N, C, H, W], zero mean and unit deviation over the training set. mean, std: [C]."""
    mean, std = (torch.tensor(v, device=images.device).view(1, -1, 1, 1) for v in (mean, std))
    return (images.permute(0, 3, 1, 2).float() / 255 - mean) / std
