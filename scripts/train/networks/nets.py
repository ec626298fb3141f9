"""Networks for small images, built by name. A classifier is a trunk (images → embedding h) and a linear head.

Shapes: images [N, C, H, W], already normalised; h [N, D]; logits [N, classes].
"""
import torch
from torch import nn

from equations import mux_logits


class Classifier(nn.Module):
    """f_i of the paper; `forward` returns the logits and the embedding h_i that eq. 1 projects."""

    def __init__(self, trunk, width, classes):
        super().__init__()
        self.trunk, self.width = trunk, width
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        h = self.trunk(x)
        return self.head(h), h


class Mirrored(nn.Module):
    """A classifier asked twice, of the picture and of its mirror image: the mean of both answers, at twice the cost."""

    def __init__(self, net):
        super().__init__()
        self.net, self.width = net, net.width

    def forward(self, x):
        both = self.net(torch.cat([x, x.flip(3)]))
        return tuple(out.reshape(2, -1, out.shape[1]).mean(0) for out in both)


class Mux(nn.Module):
    """The multiplexer: four convolutions, then a class head and one or both of

    - `need`: a logit per watched model, how likely that model is wrong (our loss). It sees the class head's doubt
      besides m: what the mux cannot tell apart itself is what the models get wrong;
    - `vote`: eq. 5's v, from which the weights over the models come (the paper's loss; `costs` as mux_logits wants them).

    Without `need` heads the need follows from the weights (see need_of).
    forward: [N, C, H, W] → need [N, outputs], class logits [N, classes], eq. 5's logits [N, M] or None, m [N, width]."""

    def __init__(self, trunk, width, outputs, classes, costs=None, told=True):
        super().__init__()
        self.trunk, self.width, self.outputs = trunk, width, outputs
        self.head = nn.Linear(width, classes)
        self.need = Need(width, outputs, classes) if told else None
        self.vote = None
        if costs is not None:
            self.vote = nn.Parameter(torch.randn(len(costs), width) / width ** 0.5)
            self.register_buffer('costs', torch.as_tensor(costs, dtype=torch.float32))

    def forward(self, x):
        m = self.trunk(x)
        logits = self.head(m)
        votes = None if self.vote is None else mux_logits(self.vote, m, self.costs)
        need = need_of(votes, self.outputs) if self.need is None else self.need(m, logits)
        return need, logits, votes, m


class Need(nn.Module):
    """Meta-features m [N, width] and class logits [N, classes] → need [N, outputs], by one hidden layer. From the
    logits it takes the probabilities, their entropy and the logit of "my first choice is wrong"."""

    def __init__(self, width, outputs, classes, hidden=32):
        super().__init__()
        self.hidden, self.out = nn.Linear(width + classes + 2, hidden), nn.Linear(hidden, outputs)

    def forward(self, m, logits):
        logs = logits.float().log_softmax(1)
        p = logs.exp()
        entropy = -(p * logs).sum(1, keepdim=True)
        doubt = torch.log((1 - p.amax(1, keepdim=True)).clamp_min(1e-4))
        return self.out(torch.relu(self.hidden(torch.cat([m.float(), p, entropy, doubt], 1))))


def need_of(votes, outputs):
    """Need [N, outputs] from eq. 5's logits [N, M]. A pair's one output: the logit of the second (dear) model's weight.
    A group's M: minus the logit of each weight, so that sigmoid(−need) is the weight itself."""
    if outputs == 1:
        return votes[:, 1:] - votes[:, :1]
    rest = [torch.cat([votes[:, :i], votes[:, i + 1:]], 1).logsumexp(1) for i in range(outputs)]
    return torch.stack(rest, 1) - votes


def conv(i, o, k=3, s=1, g=1, act=True):
    """Convolution, batch norm and, unless it ends a residual branch, ReLU."""
    layers = [nn.Conv2d(i, o, k, s, k // 2, groups=g, bias=False), nn.BatchNorm2d(o)]
    return nn.Sequential(*layers, *([nn.ReLU(inplace=True)] if act else []))


def pool():
    """[N, C, H, W] → [N, C]: the mean over the picture."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())


class Inverted(nn.Module):
    """MobileNetV2's block: widen ×t, depthwise k×k, narrow; residual where the shape allows."""

    def __init__(self, i, o, t=3, s=1, k=3):
        super().__init__()
        self.body = nn.Sequential(conv(i, i * t, 1), conv(i * t, i * t, k, s, g=i * t), conv(i * t, o, 1, act=False))
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


def alexnet(channels, classes, widths, hidden):
    """AlexNet's plan: a wide first filter, max pooling between convolutions, fully connected layers (28 → 14 → 7 → 3)."""
    a, b, c = widths
    trunk = nn.Sequential(conv(channels, a, 5, 2), nn.MaxPool2d(2), conv(a, b), nn.MaxPool2d(2), conv(b, c), nn.Flatten(),
                          nn.Linear(9 * c, hidden), nn.ReLU(inplace=True), nn.Dropout(0.1))
    return Classifier(trunk, hidden, classes)


def mobilenet(channels, classes, stem, blocks):
    """blocks: (width, t, stride[, kernel]) each."""
    layers, i = [conv(channels, stem, 3, 2)], stem
    for o, *shape in blocks:
        layers.append(Inverted(i, o, *shape))
        i = o
    return Classifier(nn.Sequential(*layers, pool()), i, classes)


def mnasnet(channels, classes, stem, blocks, last):
    """MNASNet's plan: a separable convolution first, blocks of 3×3 and 5×5, and a 1×1 convolution before the head."""
    first = nn.Sequential(conv(stem, stem, 3, g=stem), conv(stem, stem, 1, act=False))
    layers, i = [conv(channels, stem, 3, 2), first], stem
    for o, *shape in blocks:
        layers.append(Inverted(i, o, *shape))
        i = o
    return Classifier(nn.Sequential(*layers, conv(i, last, 1), pool()), last, classes)


def resnet(channels, classes, stem, stages, stem_stride=2):
    """stages: (width, number of blocks) each; every stage after the first halves the picture."""
    layers, i = [conv(channels, stem, 3, stem_stride)], stem
    for n, (o, blocks) in enumerate(stages):
        for b in range(blocks):
            layers.append(Basic(i, o, 2 if n and not b else 1))
            i = o
    return Classifier(nn.Sequential(*layers, pool()), i, classes)


def mux_conv(channels, outputs, classes, widths, hidden=0, **heads):
    """Four 3×3 convolutions of stride 2 (28 → 14 → 7 → 4 → 2, or 32 → 16 → 8 → 4 → 2), flattened; then a hidden layer, if wanted."""
    layers, i = [], channels
    for o in widths:
        layers.append(conv(i, o, 3, 2))
        i = o
    layers.append(nn.Flatten())
    if hidden:
        layers += [nn.Linear(i * 4, hidden), nn.ReLU(inplace=True)]
    return Mux(nn.Sequential(*layers), hidden or i * 4, outputs, classes, **heads)


MOBILENET_S = ((16, 2, 1), (24, 3, 2), (24, 3, 1), (40, 3, 2), (40, 2, 1))
MNASNET_S = ((24, 3, 2, 3), (24, 3, 1, 3), (40, 3, 2, 5), (40, 3, 1, 5), (48, 3, 1, 3))

# name → (channels, classes) → Classifier. Multiply-accumulates are for 28×28×1; flops.py counts them.
ARCHITECTURES = {
    'alexnet-s': lambda c, k: alexnet(c, k, (12, 20, 32), 128),
    'mobilenet-xs': lambda c, k: mobilenet(c, k, 8, ((12, 2, 2), (16, 3, 2))),
    'mobilenet-s': lambda c, k: mobilenet(c, k, 16, MOBILENET_S),
    'mnasnet-s': lambda c, k: mnasnet(c, k, 16, MNASNET_S, 160),
    'resnet-xs': lambda c, k: resnet(c, k, 16, ((16, 1), (32, 1))),
    'resnet-m': lambda c, k: resnet(c, k, 32, ((32, 1), (64, 1), (128, 1))),
    'resnet8': lambda c, k: resnet(c, k, 24, ((24, 1), (40, 1), (72, 1))),
    'resnet12': lambda c, k: resnet(c, k, 24, ((24, 2), (56, 2), (112, 1))),
    'wide-resnet-l': lambda c, k: resnet(c, k, 48, ((48, 1), (104, 1), (200, 1))),
}


def mux_large(channels, outputs, classes, **heads):
    """Four convolutions for real camera shapes (224 → 56 → 28 → 14 → 7) and the mean over the picture, about 15 M
    multiply-accumulates at 224×224×3: 5 % of mobilenet_v2."""
    trunk = nn.Sequential(conv(channels, 16, 5, 4), conv(16, 32, 3, 2), conv(32, 64, 3, 2), conv(64, 128, 3, 2), pool())
    return Mux(trunk, 128, outputs, classes, **heads)


# name → (channels, outputs, classes, and Mux's costs and told) → Mux; mux4 has 0.099 M multiply-accumulates at 28×28×1, mux4-32 0.67 M
# at 32×32×3
MUXES = {
    'mux4': lambda c, o, k, **heads: mux_conv(c, o, k, (6, 12, 18, 25), 64, **heads),
    'mux4-32': lambda c, o, k, **heads: mux_conv(c, o, k, (12, 28, 52, 80), 80, **heads),
    'mux-large': mux_large,
}
