"""Writes the projected embeddings (eq. 1) of 2,000 test images, from one training per form of the contrastive loss.

    python3 scripts/train/embeddings.py --out models/fashion-mnist/embeddings

embeddings.bin: int8 [forms, models, images, dim], row-major; a value / 127 is the component of a unit vector.
embeddings.json: the shape, the images' indices among the test images, their labels, and per form the settings, each
model's accuracy and which of the images it gets right, and how near the embeddings are (cosine).
"""
import argparse
import dataclasses
import hashlib
import sys
from pathlib import Path

import torch

import config as configs
import equations
from config import TrainError
from data import images as datasets
from export.zoo import write_json
from metrics import accuracy, auroc, predict
from steps.runtime import Runtime
from steps.step1 import train_models

FORMS, COUNT, SCALE = ('none', 'paper', 'bounded'), 2000, 127


def arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--config', default='embeddings')
    parser.add_argument('--out', default='models/fashion-mnist/embeddings')
    parser.add_argument('--runs', default='runs', help='where the trainings live (%(default)s); finished ones are used again')
    parser.add_argument('--data')
    parser.add_argument('--count', type=int, default=COUNT, help='images (%(default)s)')
    parser.add_argument('--threads', type=int, default=1)
    return parser.parse_args(argv)


def main(argv):
    args = arguments(argv)
    base = configs.load(args.config)
    forms, vectors = [], []
    for form in FORMS:
        config = dataclasses.replace(base, contrastive=form, name=f'{base.name}-{form}')
        data = datasets.load(config, args.data)
        runtime = Runtime(Path(args.runs) / config.name, config.amp, args.threads)
        models, projections = train_models(config, data, runtime)
        images = data.test.take(torch.arange(args.count))
        found, right = embed(config, models, projections, images, runtime)
        vectors.append((found * SCALE).round().clamp(-SCALE, SCALE).to(torch.int8))
        forms.append({'contrastive': form, 'weight': config.contrastive_weight if form != 'none' else 0, 'epochs': config.epochs,
                      'trainImages': len(data.train), 'seed': config.seed,
                      'accuracy': [round(accuracy(predict(m, data.test, config, runtime), data.test.labels), 4) for m in models],
                      'right': [''.join('01'[int(v)] for v in row) for row in right], **nearness(found, right)})
        print(f'{form}: accuracy {forms[-1]["accuracy"]}, {nearness(found, right)}', flush=True)
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    raw = torch.stack(vectors).numpy().tobytes()
    (out / 'embeddings.bin').write_bytes(raw)
    write_json(out / 'embeddings.json', {
        'format': 'edgemux-embeddings', 'version': 1, 'file': 'embeddings.bin', 'sha256': hashlib.sha256(raw).hexdigest(),
        'dtype': 'int8', 'scale': SCALE, 'shape': [len(forms), len(base.models), args.count, base.projection_dim],
        'models': [m.id for m in base.models], 'images': list(range(args.count)), 'labels': images.labels.tolist(), 'forms': forms,
        'notes': 'Short trainings, to show what the loss does; the shipped models were trained longer, without it.'})


@torch.no_grad()
def embed(config, models, projections, images, runtime):
    """Projected embeddings [M, N, P] and which answers are right, bool [M, N]."""
    vectors, right = [], []
    for model, g in zip(models, projections):
        h = predict(model, images, config, runtime, output=1)
        vectors.append(equations.project(h, g.cpu()))
        right.append(predict(model, images, config, runtime).argmax(1) == images.labels)
    return torch.stack(vectors), torch.stack(right)


def nearness(vectors, right):
    """Mean cosine over all pairs of models where both are right and where exactly one is; and how well the distance tells
    the two apart (AUROC)."""
    cosines, both, one = [], [], []
    for a, b, agree, differ in equations.pairs(vectors, right):
        cosines.append((a * b).sum(1))
        both.append(agree.bool())
        one.append(differ.bool())
    cosines, both, one = torch.cat(cosines), torch.cat(both), torch.cat(one)
    known = both | one
    return {'cosineBothRight': round(cosines[both].mean().item(), 3), 'cosineOneRight': round(cosines[one].mean().item(), 3),
            'aurocDisagreement': round(auroc(-cosines[known], one[known]) or 0.5, 3)}


if __name__ == '__main__':
    try:
        main(sys.argv[1:])
    except TrainError as error:
        sys.exit(f'embeddings: {error}')
