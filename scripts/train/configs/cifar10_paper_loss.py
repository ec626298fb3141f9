"""The paper's own mux loss (eq. 4–8, relative costs) on the models of cifar10, to be shown beside ours.

    npm run train -- --config cifar10-paper-loss --data DIR --models-from runs/cifar10
    npm run train -- --script ablate.py --from runs/cifar10-paper-loss/zoo --zoo models/cifar10 --name "the paper's loss"

Two epochs of 7,500 pictures: eq. 8 asks every model of every batch, and the loss is indifferent between models that agree however long it
is trained (scripts/train/README.md).
"""
from dataclasses import replace

from config import load

BASE = load('cifar10')
MUX = replace(BASE.mux, loss='paper', epochs=2, views=1, known_limit=6000, heldout_repeat=1, cost_form='relative', cost_penalty=0.0)
config = replace(BASE, name='cifar10-paper-loss', mux=MUX)
