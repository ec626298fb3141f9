"""CIFAR-10 (Krizhevsky 2009): three classifiers of colour pictures of 32×32 pixels, of which two are the pair.

    npm run train -- --config cifar10 --data DIR        # DIR/train/<class>/*, DIR/test/<class>/*, in any format of pictures

One family, `conv7` (networks/whitened.py), small and large, and the small one asked of the mirror image too: a step up in accuracy and cost
that needs no training.

The recipe is the public record's (K. Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024, airbench94), for batches of
256: its rate of 11.5 a kilostep of 1024 images at momentum 0.85 is 0.375 here for the mean loss, its decay of 0.0153 is 1.33e-3; biases of
norms learn 64 times as fast; labels are smoothed; pictures alternate between themselves and their mirror image; lookahead. Unlike the
record: ReLU (GELU takes a quarter of a small network's time on a CPU), and no answer is averaged over shifted copies.
"""
from config import Config, Model, Mux

WEIGHT_DECAY = 1.33e-3


def conv7(size, epochs, *roles):
    return Model(f'conv7-{size}', f'conv7-{size}', (*roles, 'group'), WEIGHT_DECAY, epochs=epochs)


def mirrored(size, *roles):
    return Model(f'conv7-{size}-mirrored', f'conv7-{size}', (*roles, 'group'), mirrors=f'conv7-{size}')


config = Config(
    name='cifar10', zoo='cifar10', source='cifar10', size=32,
    licence='MIT (trained on CIFAR-10, Krizhevsky 2009; no picture of it is here)',
    models=(conv7('xs', 8), mirrored('xs', 'local'), conv7('xxl', 12, 'cloud')),
    mux=Mux(arch='mux4-32', epochs=16, views=2, known_limit=12_000, cost_form='log', cost_penalty=0.1),
    mux_count=1500, calibration_count=2500,
    mean=(0.4911, 0.4819, 0.4464), std=(0.2452, 0.2428, 0.2607),     # of the 46,000 pictures that step 1 sees
    batch=256, lr=0.375, schedule='triangle', warmup=0.23, momentum=0.85, norm_rate=64.0, smoothing=0.2, lookahead=True,
    flips='alternate', shift=2, fill='reflect', erase=0.0,
    weights='float16', golden='drawn', gate=False)
