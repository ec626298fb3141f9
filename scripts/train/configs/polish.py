"""A second, short training of finished models: the largest teaches the others, and fewer pictures are partly erased.

    npm run train -- --config polish --only mobilenet-s,mnasnet-s --start-from runs/group --models-from runs/group:wide-resnet-l
"""
from config import Config, Model

config = Config(
    name='polish',
    models=(Model('alexnet-s', 'alexnet-s', ('group',), 1e-4, teacher='wide-resnet-l'),
            Model('mobilenet-s', 'mobilenet-s', ('local', 'group'), 2e-4, teacher='wide-resnet-l'),
            Model('mnasnet-s', 'mnasnet-s', ('group',), 2e-4, teacher='wide-resnet-l'),
            Model('resnet8', 'resnet8', ('group',), teacher='wide-resnet-l'),
            Model('resnet12', 'resnet12', ('group',), teacher='wide-resnet-l'),
            Model('wide-resnet-l', 'wide-resnet-l', ('cloud', 'group'), lr_scale=0.3)),
    epochs=5, lr=0.03, warmup=0.1, erase=0.2)
