"""Labels files: what somebody's models said of labelled images, one image a row. README.md documents the forms.

`edgemux label` writes records of one length behind a header (lab/zoo/labels/record.ts has their layout), or JSON lines: a header,
then a row an image. An NPZ with the same contents serves those who have arrays.
"""
import json
import os
import struct
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from config import TrainError
from data.images import generator, normalise

FORMAT = 'edgemux-labels'
MAGIC, LAYOUT = b'edgmxlbl', 1
PREFIX = struct.Struct('<8sII')
CHUNK = 1000        # rows that are decoded at once


@dataclass
class Labels:
    """models: [{'id', 'flops', 'roles'}]; labels: class names; images: a path or an index each; truth int64 [N];
    probabilities float32 [M, N, K]."""
    models: list
    labels: list
    images: list
    truth: torch.Tensor
    probabilities: torch.Tensor
    part: str


def read(path):
    """Labels of a file; a TrainError names the row that is wrong."""
    path = Path(path)
    try:
        found = read_npz(path) if path.suffix == '.npz' else read_records(path) if is_records(path) else read_lines(path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainError(f'cannot read the labels file {path}: {type(error).__name__}: {error}') from error
    return check(found, path)


def is_records(path):
    with open(path, 'rb') as file:
        return file.read(len(MAGIC)) == MAGIC


def record_type(header):
    """The numpy type of a record: of its vectors 'codes' [V, K], or 'classes' and 'kept' [V, k] with 'rest' [V] in 'top'."""
    muxes, classes, form = header.get('muxes') or {}, len(header['labels']), header['record']
    members = len(muxes['group']['models']) if 'group' in muxes else 0
    vectors = len(header['models']) + ('pair' in muxes) + ('group' in muxes)
    name = ('name', f'S{form["nameBytes"]}') if form['nameBytes'] else ('name', '<u4')
    k = form['top']
    part = ('codes', '<f2', (vectors, classes)) if k is None else \
        ('top', [('classes', '<u2', (k,)), ('kept', '<f2', (k,)), ('rest', '<f2')], (vectors,))
    fields = [name, ('label', '<u4'), ('score', '<f4', (int('pair' in muxes),)), ('correct', '<f4', (members,)),
              ('weights', '<f4', (members,)), part]
    bytes_ = np.dtype(fields).itemsize
    return np.dtype([*fields, ('zeros', f'V{-bytes_ % 4}')] if bytes_ % 4 else fields)


def records(path):
    """(header, memory-mapped records); the last four bytes of each are its CRC-32."""
    with open(path, 'rb') as file:
        _, version, length = PREFIX.unpack(file.read(PREFIX.size))
        if version != LAYOUT:
            raise ValueError(f'layout {version} of the records is not {LAYOUT}')
        header = json.loads(file.read(length))
        size = file.seek(0, 2) - PREFIX.size - length
    row = record_type(header)
    whole = np.dtype([('row', row), ('check', '<u4')])
    if size % whole.itemsize:
        raise ValueError('its last row is not whole: run the same `edgemux label` again')
    return header, np.memmap(path, whole, 'r', PREFIX.size + length, (size // whole.itemsize,)) if size else np.empty(0, whole)


def read_records(path):
    header, found = records(path)
    for n, one in enumerate(found):
        data = one.tobytes()
        if zlib.crc32(data[:-4]) != struct.unpack('<I', data[-4:])[0]:
            raise ValueError(f'row {n + 1} is damaged: run the same `edgemux label` again')
    models, classes = len(header['models']), len(header['labels'])
    if not len(found):
        raise ValueError('it has no rows')
    folder = Path(path).parent
    with tempfile.TemporaryFile(dir=folder if os.access(folder, os.W_OK) else None) as file:    # mapped: costs no memory of its own
        probabilities = np.memmap(file, np.float32, 'w+', shape=(models, len(found), classes))
    for start in range(0, len(found), CHUNK):
        rows = found['row'][start:start + CHUNK]
        probabilities[:, start:start + CHUNK] = vectors_of(rows, header)[:, :models].transpose(1, 0, 2)
    names = found['row']['name']
    images = [n.decode() for n in names.tolist()] if header['record']['nameBytes'] else names.tolist()
    return Labels(header['models'], header['labels'], images, torch.from_numpy(found['row']['label'].astype(np.int64)),
                  torch.from_numpy(probabilities), header.get('part', 'test'))


def vectors_of(rows, header):
    """Probabilities float32 [n, V, K] of records: codes are float16 logarithms; what was not kept shares the rest alike."""
    classes, k = len(header['labels']), header['record']['top']
    if k is None:
        return np.exp(rows['codes'].astype(np.float32))
    top = rows['top']
    kept = min(k, classes)
    rest = np.exp(top['rest'].astype(np.float32)) / max(1, classes - kept)
    found = np.repeat(rest[..., None], classes, 2)
    np.put_along_axis(found, top['classes'][..., :kept].astype(np.int64), np.exp(top['kept'][..., :kept].astype(np.float32)), 2)
    return found


def read_lines(path):
    with open(path, encoding='utf-8') as file:
        header = json.loads(file.readline())
        if header.get('format') != FORMAT or header.get('version') != 1:
            raise ValueError(f'the first line is not a header of format {FORMAT}, version 1')
        ids, classes = [m['id'] for m in header['models']], len(header['labels'])
        images, truth, probabilities = [], [], []
        for number, line in enumerate(file, 2):
            row = json.loads(line)
            images.append(row['image'] if 'image' in row else int(row['index']))
            truth.append(int(row['label']))
            missing = [i for i in ids if i not in row['probabilities']]
            if missing:
                raise ValueError(f'line {number} has no probabilities of {missing[0]}')
            probabilities.append(np.stack([dense(row['probabilities'][i], classes, number) for i in ids]))
    return Labels(header['models'], header['labels'], images, torch.tensor(truth),
                  torch.from_numpy(np.stack(probabilities, 1)) if probabilities else torch.empty(0), header.get('part', 'test'))


def dense(values, classes, number):
    """K probabilities from a list, or from {class index: probability}, whose missing mass is spread over the others."""
    if isinstance(values, dict):
        rest = max(0.0, 1 - sum(values.values())) / max(1, classes - len(values))
        values = [values.get(str(k), rest) for k in range(classes)]
    if len(values) != classes:
        raise ValueError(f'line {number} has {len(values)} probabilities for {classes} classes')
    return np.asarray(values, np.float32)


def read_npz(path):
    with np.load(path, allow_pickle=False) as arrays:
        models = [{'id': str(i), 'flops': float(f), 'roles': [r for r in str(roles).split(',') if r]}
                  for i, f, roles in zip(arrays['models'], arrays['flops'], arrays['roles'])]
        images = arrays['images'].tolist()
        return Labels(models, [str(c) for c in arrays['classes']], images, torch.from_numpy(arrays['labels'].astype(np.int64)),
                      torch.from_numpy(arrays['probabilities'].astype(np.float32)), str(arrays['part']) if 'part' in arrays else 'test')


def check(found, path):
    m, n, k = len(found.models), len(found.images), len(found.labels)
    if n < 100:
        raise TrainError(f'{path} has {n} images: a mux needs thousands, and at least 100')
    if m < 2 or k < 2:
        raise TrainError(f'{path} has {m} model(s) and {k} class(es): two or more of each are needed')
    if tuple(found.probabilities.shape) != (m, n, k):
        raise TrainError(f'{path}: probabilities are {tuple(found.probabilities.shape)}, not {m} models × {n} images × {k} classes')
    if not (0 <= int(found.truth.min()) and int(found.truth.max()) < k):
        raise TrainError(f'{path}: a label is outside 0 … {k - 1}')
    sums = found.probabilities.sum(2)
    bad = (~((sums - 1).abs() < 0.02)).nonzero()
    if len(bad):
        model, image = bad[0].tolist()
        raise TrainError(f'{path}: the probabilities of {found.models[model]["id"]} for image {found.images[image]} sum to '
                         f'{sums[model, image]:.3f}: softmax outputs are wanted, not logits')
    return found


class Labelled:
    """A source of step 2 (see sources.py): the images with the answers of the file, those of `rows` of its probabilities [M, N, K].
    Mirrored pictures are taken to get the same answers (config.flip); nothing else is known of changed pictures."""

    def __init__(self, config, split, probabilities, rows):
        self.config, self.split, self.probabilities, self.rows = config, split, probabilities, rows

    def __len__(self):
        return len(self.split)

    def epoch(self, number, rng, size, done=0):
        order = torch.randperm(len(self.split), generator=rng)
        mirrored = (torch.rand(len(order), generator=rng) < 0.5)[:, None, None, None]
        for start in range(done * size, len(order) - size + 1, size):
            index = order[start:start + size]
            images = self.split.images[index]
            if self.config.flip:
                images = torch.where(mirrored[index], images.flip(2), images)
            yield normalise(images, self.config.mean, self.config.std), self.split.labels[index], \
                logits(self.probabilities[:, self.rows[index]])


def logits(probabilities):
    return probabilities.clamp_min(1e-12).log()


def parts(count, seed):
    """Row indices (mux training 60 %, calibration 20 %, test 20 %), depending on the seed alone."""
    order = torch.randperm(count, generator=generator(seed, 'labels'))
    held = count // 5
    return order[2 * held:], order[:held], order[held:2 * held]
