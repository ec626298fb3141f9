"""A usable pair in a few minutes: six epochs, no erasing (short runs do better without)."""
from config import Config, Model, Mux

config = Config(
    name='pair-quick',
    models=(Model('mobilenet-s', 'mobilenet-s', ('local',), 2e-4), Model('resnet-m', 'resnet-m', ('cloud',))),
    mux=Mux(epochs=6), epochs=6, shift=0, erase=0.0)
