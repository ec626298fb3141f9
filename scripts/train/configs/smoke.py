"""Does the whole way work? A subset, tiny networks, a minute or so on one core. The zoo it writes is weak."""
from config import Config, Model, Mux

config = Config(
    name='smoke',
    models=(Model('mobilenet-xs', 'mobilenet-xs', ('local', 'group'), 2e-4), Model('resnet-xs', 'resnet-xs', ('cloud', 'group'))),
    mux=Mux(epochs=3), epochs=3, train_limit=8000, erase=0.0)
