"""What step 2 learns from: images, and what the finished models say of them. A source's `epoch(n, device)` yields batches
(x [B, C, H, W] normalised, labels [B], model logits [M, B, K]).

- `Views`: augmented copies of images in memory; the models' answers to each copy are computed once and kept.
- `Stream`: pictures that do not fit into memory; the models answer every batch anew.
- `Labelled` (labels.py): answers that somebody else's models gave.
"""
import hashlib

import torch

from data import folders
from data.images import augment, batches, generator, normalise
from data.split import Split

CHUNK = 500


class Views:
    """parts: [(models, row index)]: who answers for which rows (out-of-fold models for the images others trained on)."""

    def __init__(self, config, split, parts, runtime):
        self.config, self.split, self.parts, self.runtime = config, split, parts, runtime
        self.logits = {}
        self.marks = [fingerprint(parts, k) for k in range(len(parts[0][0]))]

    def images(self, view):
        """Copy number `view` of all images, uint8 [N, H, W, C]: always the same one."""
        rng = generator(self.config.seed, 'view', view)
        chunks = (self.split.images[n:n + CHUNK] for n in range(0, len(self.split), CHUNK))
        return torch.cat([augment(chunk, self.config, rng) for chunk in chunks])

    def answers(self, view, images):
        """The models' logits on a copy, float16 [M, N, K]; from memory, from the run's folder, or computed."""
        if view not in self.logits:
            path = self.runtime.out / f'view-{view}.pt'
            state = torch.load(path) if path.is_file() else {'marks': [], 'logits': {}}
            stale = [k for k, mark in enumerate(self.marks) if mark not in state['marks']]
            if stale:
                state = self.updated(state, stale, images)
                self.runtime.save(path.name, state)
            self.logits[view] = torch.stack([state['logits'][mark] for mark in self.marks])
        return self.logits[view]

    def updated(self, state, stale, images):
        """The state of a view's file with the answers of the `stale` models computed, and those of no others than ours."""
        logits = {self.marks[k]: a for k, a in zip(stale, self.compute(images, stale))}
        logits.update({mark: state['logits'][mark] for mark in self.marks if mark in state['marks']})
        return {'marks': list(logits), 'logits': logits}

    def compute(self, images, which):
        answers = None
        for models, rows in self.parts:
            chosen = [models[k] for k in which]
            for start in range(0, len(rows), CHUNK):
                index = rows[start:start + CHUNK]
                found = answer(self.config, chosen, images[index], self.runtime).half().cpu()
                if answers is None:
                    answers = torch.zeros(len(found), len(self.split), found.shape[2], dtype=torch.float16)
                answers[:, index] = found
        return answers

    def __len__(self):
        return len(self.split)

    def epoch(self, number, rng, size):
        device, view = self.runtime.device, number % self.config.mux.views
        images = self.images(view)
        logits = self.answers(view, images)
        order = torch.randperm(len(self.split), generator=rng)
        for start in range(0, len(order) - size + 1, size):
            index = order[start:start + size]
            x = normalise(images[index].to(device), self.config.mean, self.config.std)
            yield x, self.split.labels[index].to(device), logits[:, index].to(device).float()


class Stream:
    """For folders.Pictures: decodes, augments and asks the models batch by batch."""

    def __init__(self, config, split, models, runtime):
        self.config, self.split, self.models, self.runtime = config, split, models, runtime

    def __len__(self):
        return len(self.split)

    def epoch(self, number, rng, size):
        for images, labels in batches(self.split, size, rng, self.runtime.device):
            images = augment(images, self.config, rng)
            yield (normalise(images, self.config.mean, self.config.std), labels,
                   answer(self.config, self.models, images, self.runtime))


@torch.no_grad()
def answer(config, models, images, runtime):
    """Logits of all models on uint8 images [N, H, W, C]: float32 [M, N, K]."""
    x = normalise(images.to(runtime.device), config.mean, config.std).contiguous(memory_format=torch.channels_last)
    with runtime.autocast():
        return torch.stack([model.eval()(x)[0].float() for model in models])


def fingerprint(parts, k):
    """Changes with the parameters of model number k and with who answers for what."""
    digest = hashlib.sha256()
    for models, rows in parts:
        digest.update(rows.numpy().tobytes())
        for tensor in models[k].state_dict().values():
            digest.update(tensor.float().cpu().numpy().tobytes())
    return digest.hexdigest()


def step2_split(config, data):
    """(Split, rows of `train`): images the models know, then those they do not know repeated, so that true errors are not rare."""
    repeat = config.mux.heldout_repeat
    if isinstance(data.train.images, folders.Pictures):
        known = data.train.images
        images = folders.Pictures(known.paths + data.mux.images.paths * repeat, known.size, known.how)
    else:
        images = torch.cat([data.train.images] + [data.mux.images] * repeat)
    return Split(images, torch.cat([data.train.labels] + [data.mux.labels] * repeat)), torch.arange(len(data.train))


def source_of(config, data, models, runtime, folds=()):
    """The source of a run. folds: [(models, rows of data.train they have not seen)]."""
    split, known = step2_split(config, data)
    if isinstance(split.images, folders.Pictures):
        return Stream(config, split, models, runtime)
    new = torch.arange(len(known), len(split))
    parts = [*folds, (models, new)] if folds else [(models, torch.arange(len(split)))]
    return Views(config, split, parts, runtime)
