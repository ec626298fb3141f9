"""The pair at full length: thirty epochs, about half an hour of one quiet core."""
from config import Config, Model, Mux

config = Config(
    name='pair',
    models=(Model('mobilenet-s', 'mobilenet-s', ('local',), 2e-4), Model('wide-resnet-l', 'wide-resnet-l', ('cloud',))),
    mux=Mux(epochs=14))
