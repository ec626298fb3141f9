"""A model's network by the name in its config: ours for small images, or torchvision's for real ones."""
from dataclasses import replace

from config import TrainError
from networks import torchvision_nets
from networks.nets import ARCHITECTURES, Mirrored
from networks.whitened import WHITENED

SMALL = {**ARCHITECTURES, **WHITENED}


def classifier(spec, channels, classes):
    """The network of a config.Model: images [N, channels, H, W] → logits [N, classes], embedding h [N, width]."""
    if spec.mirrors:
        return Mirrored(classifier(replace(spec, mirrors=''), channels, classes))
    if spec.arch in SMALL:
        if spec.weights:
            raise TrainError(f'{spec.id}: weights are for torchvision\'s architectures, not for "{spec.arch}"')
        return SMALL[spec.arch](channels, classes)
    if spec.arch in torchvision_nets.NAMES:
        if channels != 3:
            raise TrainError(f'{spec.id}: torchvision\'s {spec.arch} needs 3 channels, the images have {channels}')
        return torchvision_nets.tapped(spec.arch, classes, spec.weights)
    known = ', '.join(sorted((*SMALL, *torchvision_nets.NAMES)))
    raise TrainError(f'no architecture "{spec.arch}": choose from {known}')
