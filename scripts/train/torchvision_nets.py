"""Networks by torchvision's names, and a mux, for real camera shapes. Random weights: for measuring cost, not accuracy."""
import torch
from torch import nn

from config import TrainError
from nets import Mux, conv, pool

NAMES = ('alexnet', 'mobilenet_v2', 'mnasnet1_0', 'resnet50', 'resnet152', 'resnext101_32x8d')
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)     # of pixels / 255, per channel


def classifier(name, classes=1000, seed=1):
    """torchvision's network `name` with seeded random weights, in evaluation mode: images [N, 3, H, W] → logits."""
    if name not in NAMES:
        raise TrainError(f'no torchvision network "{name}" here: choose from {", ".join(NAMES)}')
    try:
        from torchvision import models
    except ImportError as error:
        raise TrainError('real shapes need torchvision (Debian: apt-get install python3-torchvision)') from error
    torch.manual_seed(seed)
    net = getattr(models, name)(weights=None, num_classes=classes)
    return settle(net).eval()


def settle(net, passes=2):
    """Gives batch norms the statistics of random pictures: without, deep random networks overflow to inf."""
    net.train()
    with torch.no_grad():
        for _ in range(passes):
            net(torch.randn(2, 3, 224, 224))
    return net


def mux224(classes=1000, outputs=1, seed=1):
    """Four convolutions for 224×224×3 (56 → 28 → 14 → 7), about 15 M multiply-accumulates: 5 % of mobilenet_v2."""
    torch.manual_seed(seed)
    trunk = nn.Sequential(conv(3, 16, 5, 4), conv(16, 32, 3, 2), conv(32, 64, 3, 2), conv(64, 128, 3, 2), pool())
    return settle(Mux(trunk, 128, outputs, classes)).eval()
