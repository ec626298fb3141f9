"""Networks by torchvision's names, and a mux, for real camera shapes: to train and multiplex, from weights of the user's,
or with random weights to measure cost."""
import torch
from torch import nn

from config import TrainError
from networks.nets import Classifier, mux_large

NAMES = ('alexnet', 'mobilenet_v2', 'mnasnet1_0', 'resnet50', 'resnet152', 'resnext101_32x8d')
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)     # of pixels / 255, per channel


def network(name, classes):
    """torchvision's network `name` as it leaves the constructor."""
    if name not in NAMES:
        raise TrainError(f'no torchvision network "{name}" here: choose from {", ".join(NAMES)}')
    try:
        from torchvision import models
    except ImportError as error:
        raise TrainError(f'{name} needs torchvision (Debian: apt-get install python3-torchvision)') from error
    return getattr(models, name)(weights=None, num_classes=classes)


def classifier(name, classes=1000, seed=1):
    """The network with seeded random weights, in evaluation mode: images [N, 3, H, W] → logits."""
    torch.manual_seed(seed)
    return settle(network(name, classes)).eval()


def tapped(name, classes, weights=''):
    """Classifier around the network: what enters its last linear layer is the embedding h that eq. 1 projects.

    weights: file of torchvision's state dict; a last layer for another number of classes is left out, the rest must fit."""
    net = network(name, classes)
    if weights:
        load_weights(net, weights)
    holder, key = (net, 'fc') if hasattr(net, 'fc') else (net.classifier, str(len(net.classifier) - 1))
    last = getattr(holder, key)
    setattr(holder, key, nn.Identity())
    whole = Classifier(net, last.in_features, classes)
    whole.head = last
    return whole


def load_weights(net, path):
    """Copies a state dict's tensors into the network; a TrainError names what does not fit."""
    try:
        state = torch.load(path, map_location='cpu')
    except Exception as error:                                  # torch raises many kinds for a wrong file
        raise TrainError(f'{path} is not a readable file of weights: {error}') from error
    if not isinstance(state, dict):
        raise TrainError(f'{path} holds a {type(state).__name__}, not a state dict: save model.state_dict()')
    state = dict(state)
    own = net.state_dict()
    head = list(own)[-2:]                                       # weight and bias of the last layer
    for key in head:
        if key in state and state[key].shape != own[key].shape:
            state[key] = own[key]
    wrong = sorted(k for k in own.keys() | state.keys() if k not in state or k not in own or state[k].shape != own[k].shape)
    if wrong:
        raise TrainError(f'{path} does not fit the network: {len(wrong)} tensors differ, the first is {wrong[0]}')
    net.load_state_dict(state)


def settle(net, passes=2):
    """Gives batch norms the statistics of random pictures: without, deep random networks overflow to inf."""
    net.train()
    with torch.no_grad():
        for _ in range(passes):
            net(torch.randn(2, 3, 224, 224))
    return net


def mux224(classes=1000, outputs=1, seed=1):
    """The mux for 224×224×3 with seeded random weights."""
    torch.manual_seed(seed)
    return settle(mux_large(3, outputs, classes)).eval()
