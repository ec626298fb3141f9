"""Networks for small images, built by name. A classifier is a trunk (images → embedding h) and a linear head.

Shapes: images [N, C, H, W], already normalised; h [N, D]; logits [N, classes].
"""
import torch
from torch import nn


class Classifier(nn.Module):
    """f_i of the paper; `forward` returns the logits and the embedding h_i that eq. 1 projects."""

    def __init__(self, trunk, width, classes):
        super().__init__()
        self.trunk, self.width = trunk, width
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        h = self.trunk(x)
        return self.head(h), h


class Mux(nn.Module):
    """The multiplexer: four convolutions, then a logit per model (`need`: how badly the frame needs more than
    this model) and a class head. forward: [N, C, H, W] → need [N, outputs], class logits [N, classes]."""

    def __init__(self, trunk, width, outputs, classes):
        super().__init__()
        self.trunk, self.width = trunk, width
        self.need = nn.Linear(width, outputs)
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        m = self.trunk(x)
        return self.need(m), self.head(m)


def conv(i, o, k=3, s=1, g=1, act=True):
    """Convolution, batch norm and, unless it ends a residual branch, ReLU."""
    layers = [nn.Conv2d(i, o, k, s, k // 2, groups=g, bias=False), nn.BatchNorm2d(o)]
    return nn.Sequential(*layers, *([nn.ReLU(inplace=True)] if act else []))


def pool():
    """[N, C, H, W] → [N, C]: the mean over the picture."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())


class Inverted(nn.Module):
    """MobileNetV2's block: widen ×t, depthwise 3×3, narrow; residual where the shape allows."""

    def __init__(self, i, o, t=3, s=1):
        super().__init__()
        self.body = nn.Sequential(conv(i, i * t, 1), conv(i * t, i * t, 3, s, g=i * t), conv(i * t, o, 1, act=False))
        self.residual = s == 1 and i == o

    def forward(self, x):
        return x + self.body(x) if self.residual else self.body(x)


class Basic(nn.Module):
    """ResNet's block of two 3×3 convolutions."""

    def __init__(self, i, o, s=1):
        super().__init__()
        self.body = nn.Sequential(conv(i, o, 3, s), conv(o, o, act=False))
        self.skip = nn.Identity() if s == 1 and i == o else conv(i, o, 1, s, act=False)

    def forward(self, x):
        return torch.relu(self.skip(x) + self.body(x))


def mobilenet(channels, classes, stem, blocks):
    """blocks: (width, t, stride) each."""
    layers, i = [conv(channels, stem, 3, 2)], stem
    for o, t, s in blocks:
        layers.append(Inverted(i, o, t, s))
        i = o
    return Classifier(nn.Sequential(*layers, pool()), i, classes)


def resnet(channels, classes, stem, stages, stem_stride=2):
    """stages: (width, number of blocks) each; every stage after the first halves the picture."""
    layers, i = [conv(channels, stem, 3, stem_stride)], stem
    for n, (o, blocks) in enumerate(stages):
        for b in range(blocks):
            layers.append(Basic(i, o, 2 if n and not b else 1))
            i = o
    return Classifier(nn.Sequential(*layers, pool()), i, classes)


def mux_conv(channels, outputs, classes, widths):
    """Four 3×3 convolutions of stride 2 (28 → 14 → 7 → 4 → 2), flattened."""
    layers, i = [], channels
    for o in widths:
        layers.append(conv(i, o, 3, 2))
        i = o
    return Mux(nn.Sequential(*layers, nn.Flatten()), i * 4, outputs, classes)


MOBILENET_S = ((16, 2, 1), (24, 3, 2), (24, 3, 1), (40, 3, 2), (40, 2, 1))

# name → (channels, classes) → Classifier. Multiply-accumulates are for 28×28×1; flops.py counts them.
ARCHITECTURES = {
    'mobilenet-xs': lambda c, k: mobilenet(c, k, 8, ((12, 2, 2), (16, 3, 2))),
    'mobilenet-s': lambda c, k: mobilenet(c, k, 16, MOBILENET_S),
    'resnet-xs': lambda c, k: resnet(c, k, 16, ((16, 1), (32, 1))),
    'resnet-m': lambda c, k: resnet(c, k, 32, ((32, 1), (64, 1), (128, 1))),
    'wide-resnet-l': lambda c, k: resnet(c, k, 48, ((48, 1), (96, 1), (192, 1))),
}
# name → (channels, outputs, classes) → Mux
MUXES = {
    'mux4': lambda c, o, k: mux_conv(c, o, k, (8, 12, 16, 24)),
}
