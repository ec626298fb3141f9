"""The paper's own mux loss (eq. 4–8, relative costs) on the shipped models, to be shown beside ours.

    npm run train -- --config paper-loss --models-from runs/group
    npm run train -- --script ablate.py --from runs/paper-loss/zoo --zoo models/fashion-mnist --name "the paper's loss"
"""
from dataclasses import replace

from config import Mux, load

config = replace(load('group'), name='paper-loss', mux=Mux(epochs=4, views=4, loss='paper'))
