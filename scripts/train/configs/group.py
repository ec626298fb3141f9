"""The shipped zoo: six models of rising cost, of which two are the pair; thirty epochs, about two hours of one quiet core."""
from config import Config, Model, Mux

config = Config(
    name='group',
    models=(Model('alexnet-s', 'alexnet-s', ('group',), 1e-4),
            Model('mobilenet-s', 'mobilenet-s', ('local', 'group'), 2e-4),
            Model('mnasnet-s', 'mnasnet-s', ('group',), 2e-4),
            Model('resnet8', 'resnet8', ('group',)),
            Model('resnet12', 'resnet12', ('group',)),
            Model('wide-resnet-l', 'wide-resnet-l', ('cloud', 'group'))),
    mux=Mux(epochs=16, views=4, cost_form='log', cost_penalty=0.1))
