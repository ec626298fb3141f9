"""FLOPs as the paper counts them: multiply-accumulates of convolutions and linear layers, per image."""
import torch
from torch import nn


def count(net, shape):
    """Multiply-accumulates (int) of one forward pass of `net` on an image of `shape` (C, H, W)."""
    total, handles = [], []

    def on_conv(layer, _, out):
        taps = layer.kernel_size[0] * layer.kernel_size[1] * layer.in_channels // layer.groups
        total.append(out.numel() * taps)

    def on_linear(layer, _, out):
        total.append(out.numel() * layer.in_features)

    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            handles.append(layer.register_forward_hook(on_conv))
        elif isinstance(layer, nn.Linear):
            handles.append(layer.register_forward_hook(on_linear))
    training = net.training
    net.eval()
    try:
        with torch.no_grad():
            net(torch.zeros(1, *shape, device=next(net.parameters()).device))
    finally:
        net.train(training)
        for handle in handles:
            handle.remove()
    return sum(total)
