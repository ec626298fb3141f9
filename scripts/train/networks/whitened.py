"""Networks for 32×32 colour pictures after the public record of fast CIFAR-10 training (Keller Jordan's airbench, 2024): a fixed first
layer that whitens 2×2 patches, six convolutions in three blocks that start near the identity, one linear layer.

Norms have no gain, and the last layer's output is scaled by 1/9: with them the record's rates are meant (configs/cifar10.py).
"""
import torch
from torch import nn

from networks.nets import Classifier

SCALE = 1 / 9                   # of the logits
MEMORY = 0.4                    # share of a batch in the norms' running statistics
FLOOR = 5e-4                    # added to the patches' variances: noise is not blown up


class Whitening(nn.Module):
    """2×2 patches in the directions of their covariance, each divided by its deviation, with both signs: 8 · channels filters. The
    filters come from pictures (`prepare`) and stay; the bias is trained."""

    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, 8 * channels, 2)
        self.conv.weight.requires_grad_(False)
        nn.init.zeros_(self.conv.bias)

    def forward(self, x):
        return self.conv(x)

    @torch.no_grad()
    def prepare(self, x):
        """Sets the filters by normalised pictures x [N, C, H, W]."""
        c = x.shape[1]
        patches = x.unfold(2, 2, 1).unfold(3, 2, 1).permute(0, 2, 3, 1, 4, 5).reshape(-1, 4 * c).double()
        values, vectors = torch.linalg.eigh(patches.t() @ patches / len(patches))
        filters = (vectors / (values + FLOOR).sqrt()).t().reshape(4 * c, c, 2, 2).flip(0).to(x.dtype)
        self.conv.weight.copy_(torch.cat([filters, -filters]))


def near_identity(i, o):
    """A 3×3 convolution whose first filters hand their input on."""
    layer = nn.Conv2d(i, o, 3, padding=1, bias=False)
    nn.init.dirac_(layer.weight[:i] if o > i else layer.weight)
    return layer


def norm(width):
    """A batch norm whose gain stays 1."""
    layer = nn.BatchNorm2d(width, momentum=MEMORY, eps=1e-12)
    layer.weight.requires_grad_(False)
    return layer


def block(i, o):
    first = near_identity(i, o), nn.MaxPool2d(2), norm(o), nn.ReLU(inplace=True)
    return nn.Sequential(*first, near_identity(o, o), norm(o), nn.ReLU(inplace=True))


class Whitened(Classifier):
    """widths: of the three blocks (32 → 31 → 15 → 7 → 3, then the maximum over the picture)."""

    def __init__(self, channels, classes, widths):
        first = Whitening(channels)
        shapes = zip((8 * channels, *widths), widths)
        trunk = nn.Sequential(first, nn.ReLU(inplace=True), *(block(i, o) for i, o in shapes), nn.AdaptiveMaxPool2d(1), nn.Flatten())
        super().__init__(trunk, widths[-1], classes)
        self.prepare = first.prepare

    def forward(self, x):
        h = self.trunk(x)
        return self.head(h) * SCALE, h


# name → (channels, classes) → Classifier. 6.8, 20 and 118 M multiply-accumulates at 32×32×3.
WHITENED = {f'conv7-{size}': (lambda c, k, widths=widths: Whitened(c, k, widths)) for size, widths in (
    ('xs', (16, 32, 64)), ('m', (24, 96, 96)), ('xxl', (64, 256, 256)))}
