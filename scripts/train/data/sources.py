"""What step 2 learns from: images, and what the finished models say of them. A source's `epoch(n, rng, size, done)` yields
batches (x [B, C, H, W] normalised, labels [B], model logits [M, B, K]), without the first `done` ones.

- `Views`: augmented copies of images; the models' answers to each copy are computed once and kept in the run's folder.
- `Labelled` (labels.py): answers that somebody else's models gave.
"""
import hashlib
import os

import numpy as np
import torch

from data.cache import Mapped
from data.folders import Pictures
from data.images import changed, draws, generator, normalise
from data.split import Split
from networks.nets import Mirrored

CHUNK = 500


class Views:
    """parts: [(models, row index)]: who answers for which rows (out-of-fold models for the images others trained on).

    Nothing but what was drawn for the views is held in memory: a batch's pictures are changed when it is asked for, and answers
    are float16 [N, K] in a mapped file a view and model, named by the model's fingerprint: views · images · models · classes · 2 bytes."""

    def __init__(self, config, split, parts, runtime):
        self.config, self.split, self.parts, self.runtime = config, split, parts, runtime
        self.answered = {}
        self.marks = [fingerprint(config, parts, k) for k in range(len(parts[0][0]))]

    def drawn(self, view):
        """What happens to all images in copy number `view`: always the same."""
        n, h, w, _ = self.split.images.shape
        return draws(self.config, n, (h, w), generator(self.config.seed, 'view', view))

    def images(self, drawn, rows):
        """Some rows of a copy: uint8 [n, H, W, C]."""
        return changed(self.split.images[rows], self.config, {name: value[rows] for name, value in drawn.items()})

    def answers(self, view):
        """The models' logits on a copy, M mapped arrays float16 [N, K]; those that the run's folder lacks are computed."""
        if view not in self.answered:
            paths = [self.runtime.out / f'view-{view}-{mark}.f16' for mark in self.marks]
            missing = [k for k, path in enumerate(paths) if not path.is_file()]
            if missing:
                self.compute(view, missing, paths)
            self.answered[view] = [np.memmap(path, np.float16, 'r').reshape(len(self), -1) for path in paths]
        return self.answered[view]

    def compute(self, view, which, paths):
        """Writes the files of the models number `which`: every picture is read once for all of them."""
        drawn, files = self.drawn(view), {}
        self.runtime.out.mkdir(parents=True, exist_ok=True)
        done, progress = 0, self.runtime.progress(f'answers to view {view}', 0, 1, len(self), 1)
        for models, rows in self.parts:
            for start in range(0, len(rows), CHUNK):
                index = rows[start:start + CHUNK]
                found = answer(self.config, [models[k] for k in which], self.images(drawn, index), self.runtime).half().cpu().numpy()
                for k, logits in zip(which, found):
                    if k not in files:
                        files[k] = np.memmap(f'{paths[k]}.tmp', np.float16, 'w+', shape=(len(self), logits.shape[1]))
                    files[k][index.numpy()] = logits
                done += len(index)
                progress.at(done)
        for k, file in files.items():
            file.flush()
            os.replace(f'{paths[k]}.tmp', paths[k])
        for stale in set(self.runtime.out.glob(f'view-{view}-*.f16')) - set(paths):
            stale.unlink()

    def __len__(self):
        return len(self.split)

    def epoch(self, number, rng, size, done=0):
        device, view = self.runtime.device, number % self.config.mux.views
        drawn, answers = self.drawn(view), self.answers(view)
        order = torch.randperm(len(self.split), generator=rng)
        for start in range(done * size, len(order) - size + 1, size):
            index = order[start:start + size]
            x = normalise(self.images(drawn, index).to(device), self.config.mean, self.config.std)
            logits = torch.from_numpy(np.stack([of_one[index.numpy()] for of_one in answers]))
            yield x, self.split.labels[index].to(device), logits.to(device).float()


@torch.no_grad()
def answer(config, models, images, runtime):
    """Logits of all models on uint8 images [N, H, W, C]: float32 [M, N, K]."""
    x = normalise(images.to(runtime.device), config.mean, config.std).contiguous(memory_format=torch.channels_last)
    with runtime.autocast():
        plain = {id(model): model.eval()(x)[0].float() for model in models if not isinstance(model, Mirrored)}
        return torch.stack([plain[id(model)] if id(model) in plain else twice(model, x, plain) for model in models])


def twice(model, x, plain):
    """The logits of a Mirrored; half of them may be known already, `plain` by the network's id()."""
    if id(model.net) not in plain:
        return model.eval()(x)[0].float()
    return (plain[id(model.net)] + model.eval().net(x.flip(3))[0].float()) / 2


def fingerprint(config, parts, k):
    """Changes with the parameters of model number k, with who answers for what, and with how copies are made."""
    digest = hashlib.sha256(repr([getattr(config, key) for key in AUGMENTATION]).encode())
    for models, rows in parts:
        digest.update(rows.numpy().tobytes())
        for name, tensor in models[k].state_dict().items():     # a Mirrored's names begin otherwise
            digest.update(name.encode())
            digest.update(tensor.float().cpu().numpy().tobytes())
    return digest.hexdigest()[:16]


AUGMENTATION = ('seed', 'mux_count', 'calibration_count', 'train_limit', 'mean', 'std', 'flip', 'shift', 'fill', 'erase', 'erase_min',
                'erase_max')


def step2_split(config, data):
    """(Split, rows of `train`): images the models know, then those they do not know repeated, so that true errors are not rare."""
    repeat, limit = config.mux.heldout_repeat, config.mux.known_limit
    train = data.train.take(torch.arange(min(limit, len(data.train)))) if limit else data.train
    known, new = train.images, data.mux.images
    if isinstance(known, (Pictures, Mapped)):
        images = known.followed_by(*[new] * repeat)
    else:
        images = torch.cat([known] + [new] * repeat)
    return Split(images, torch.cat([train.labels] + [data.mux.labels] * repeat)), torch.arange(len(train))


def source_of(config, data, models, runtime, folds=()):
    """The source of a run. folds: [(models, rows of data.train they have not seen)]."""
    split, known = step2_split(config, data)
    new = torch.arange(len(known), len(split))
    parts = [*folds, (models, new)] if folds else [(models, torch.arange(len(split)))]
    return Views(config, split, parts, runtime)
