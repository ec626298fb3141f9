"""The gate of `three-tier`: after the local model ran, would the cloud's answer do more good than harm?

need = P(cloud right, device wrong), harm = P(device right, cloud wrong), where the device's answer is the fused one. A network
of one hidden layer looks at what the device knows by then, in numbers that do not depend on the number of classes, so it
fits into the manifest. mux/rules/gate.ts computes the same.
"""
import dataclasses

import torch
import torch.nn.functional as F
from torch import nn

from data.images import augment, generator
from policies.rules import FLOOR, Outputs, fuse
from steps.runtime import seed_epoch

HIDDEN, STEPS, BATCH, RATE = 16, 1500, 512, 1e-2
LEAST, MARGIN = 1e-6, 12.0      # clamps: of a doubt, of a logarithm of a quotient
VIEWS, KNOWN = 8, 30_000        # pictures of an image the models do not know; images they know
CHUNK = 500


def features(outputs, weights):
    """What the gate sees of N frames: [N, 10].

    Of the fused probabilities f: log(1 − max), log of first over second and of second over third, entropy in nats; log(1 − max) of
    the local model's and of the mux's; log-probability of f's class with the local model and with the mux; 1 where both
    name one class; logit of the mux's score. weights: {fuseLocal, fuseMux}."""
    fused = fuse(outputs, weights).double().clamp_min(FLOOR)
    local, mux = outputs.local.double().clamp_min(FLOOR), outputs.mux.double().clamp_min(FLOOR)
    logs = fused.log().sort(1, descending=True).values
    third = logs[:, min(2, logs.shape[1] - 1)]
    best = fused.argmax(1, keepdim=True)
    return torch.stack([
        doubt(fused), (logs[:, 0] - logs[:, 1]).clamp_max(MARGIN), (logs[:, 1] - third).clamp_max(MARGIN), -(fused * fused.log()).sum(1),
        doubt(local), doubt(mux),
        local.gather(1, best)[:, 0].log().clamp_min(-MARGIN), mux.gather(1, best)[:, 0].log().clamp_min(-MARGIN),
        (local.argmax(1) == mux.argmax(1)).double(), torch.logit(outputs.score.double().clamp(LEAST, 1 - LEAST))], 1)


def doubt(probabilities):
    """log(1 − max p), at least log 1e-6: [N, K] → [N]."""
    return (1 - probabilities.max(1).values).clamp_min(LEAST).log()


def gains(gate, outputs, weights):
    """need − harm of N frames, in [−1, 1]: [N]."""
    layers = [(torch.tensor(gate[k]['weights'], dtype=torch.double), torch.tensor(gate[k]['bias'], dtype=torch.double))
              for k in ('hidden', 'heads')]
    (hidden, bias), (heads, head_bias) = layers
    chances = (features(outputs, weights) @ hidden.t() + bias).relu() @ heads.t() + head_bias
    need, harm = chances.sigmoid().unbind(1)
    return need - harm


def with_gains(gate, outputs, weights):
    """The Outputs with the gate's opinion beside them."""
    return dataclasses.replace(outputs, gain=gains(gate, outputs, weights))


def fit(outputs, weights, seed):
    """The gate as the manifest holds it: {hidden: {weights [H, 10], bias [H]}, heads: {weights [2, H], bias [2]}, images}.

    outputs: frames that the gate may learn from. The first head's target is the mean of the event and of the cloud's own
    opinion max p − p[device's class]: the event alone is rare."""
    seed_epoch(generator(seed, 'gate'))
    x = features(outputs, weights)
    mean, std = x.mean(0), x.std(0).clamp_min(1e-6)
    need, harm = targets(outputs, weights)
    net = nn.Sequential(nn.Linear(x.shape[1], HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2)).double()
    optimiser = torch.optim.AdamW(net.parameters(), weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, STEPS)
    x, wanted = (x - mean) / std, torch.stack([need, harm], 1)
    for _ in range(STEPS):
        index = torch.randint(len(x), (BATCH,))
        loss = F.binary_cross_entropy_with_logits(net(x[index]), wanted[index])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return as_dict(net, mean, std, len(x))


def targets(outputs, weights):
    """Soft need and harm of N frames: [N], [N]."""
    fused = fuse(outputs, weights)
    device, cloud = outputs.right(fused), outputs.right(outputs.cloud)
    opinion = outputs.cloud.max(1).values - outputs.cloud.gather(1, fused.argmax(1, keepdim=True))[:, 0]
    return (cloud * (1 - device) + opinion.double()) / 2, device * (1 - cloud)


def as_dict(net, mean, std, images):
    """The network's weights with the scaling of its inputs folded in."""
    weights, bias = net[0].weight.detach() / std, net[0].bias.detach() - net[0].weight.detach() @ (mean / std)
    return {'hidden': {'weights': short(weights), 'bias': short(bias)},
            'heads': {'weights': short(net[2].weight.detach()), 'bias': short(net[2].bias.detach())}, 'images': images}


def short(tensor):
    """Nested lists of numbers with six significant digits."""
    return [short(row) for row in tensor] if tensor.ndim else float(f'{tensor.item():.6g}')


def examples(config, data, run):
    """Outputs to learn from: images that the models do not know, in several pictures of each, then images they do know. No
    picture is partly erased: cameras do not do that, and the gate would learn to expect it. run: uint8 images → Outputs' parts
    (score, mux, local, cloud)."""
    plain = dataclasses.replace(config, erase=0.0)
    parts = [(data.mux, view, len(data.mux)) for view in range(VIEWS)] + [(data.train, VIEWS, min(KNOWN, len(data.train), config.mux.known_limit or KNOWN))]
    found, labels = [], []
    for split, view, count in parts:
        rng = generator(config.seed, 'gate view', view)
        for start in range(0, count, CHUNK):
            images = augment(split.images[start:min(start + CHUNK, count)], plain, rng)
            found.append(run(images))
        labels.append(split.labels[:count])
    return Outputs(*(torch.cat(column) for column in zip(*found)), torch.cat(labels))
