"""What is measured: predictions, accuracy, AUROC, calibration."""
import torch
import torch.nn.functional as F

from data.images import normalise


@torch.no_grad()
def predict(net, split, config, runtime, size=500, output=0):
    """Float32 output number `output` of `net` in evaluation mode over a whole split: [N, …], on the CPU; or, of a tuple of numbers, a
    tuple of outputs."""
    net.eval()
    parts, numbers = [], output if isinstance(output, tuple) else (output,)
    for start in range(0, len(split), size):
        x = normalise(split.images[start:start + size].to(runtime.device), config.mean, config.std)
        found = net(x.contiguous(memory_format=torch.channels_last))
        parts.append([found[n].float().cpu() for n in numbers])
    whole = tuple(torch.cat(column) for column in zip(*parts))
    return whole if isinstance(output, tuple) else whole[0]


@torch.no_grad()
def predict_all(nets, split, config, runtime, size=500):
    """Float32 logits of several models over a whole split, each picture read once: [M, N, K], on the CPU."""
    parts = []
    for net in nets:
        net.eval()
    for start in range(0, len(split), size):
        x = normalise(split.images[start:start + size].to(runtime.device), config.mean, config.std)
        x = x.contiguous(memory_format=torch.channels_last)
        parts.append(torch.stack([net(x)[0].float().cpu() for net in nets]))
    return torch.cat(parts, 1)


def accuracy(scores, labels):
    """Share of rows of [N, K] whose largest entry is the label."""
    return (scores.argmax(1) == labels).float().mean().item()


def auroc(scores, positive):
    """Probability that a positive's score is above a negative's (ties count half); None if one kind is missing."""
    positive = positive.bool()
    p, n = int(positive.sum()), int((~positive).sum())
    if not p or not n:
        return None
    values, inverse, counts = torch.unique(scores.double(), return_inverse=True, return_counts=True)
    last = counts.cumsum(0).double()
    ranks = (last - (counts.double() - 1) / 2)[inverse]         # mean rank of equal scores
    return float((ranks[positive].sum() - p * (p + 1) / 2) / (p * n))


def auroc_interval(scores, positive, z=1.959964):
    """The 95 % interval of `auroc` by Hanley and McNeil (1982): (low, high); None if one kind is missing."""
    area = auroc(scores, positive)
    if area is None:
        return None
    p = int(positive.bool().sum())
    n = len(positive) - p
    above, below = area / (2 - area), 2 * area * area / (1 + area)
    variance = (area * (1 - area) + (p - 1) * (above - area * area) + (n - 1) * (below - area * area)) / (p * n)
    half = z * variance ** 0.5
    return area - half, area + half


def fit_temperature(logits, labels, steps=60):
    """T that minimises the cross-entropy of logits / T on held-out images (golden-section search over log T)."""
    low, high, ratio = -1.5, 1.5, 0.6180339887
    for _ in range(steps):
        a, b = high - ratio * (high - low), low + ratio * (high - low)
        if nll(logits, labels, a) < nll(logits, labels, b):
            high = b
        else:
            low = a
    return float(torch.tensor((low + high) / 2).exp())


def fit_logistic(x, positive, steps=30):
    """(slope, bias) of the sigmoid(slope · x + bias) that best predicts `positive` (Platt scaling, Newton's method)."""
    x, positive = x.double(), positive.double()
    features, w = torch.stack([x, torch.ones_like(x)], 1), torch.tensor([1.0, 0.0], dtype=torch.double)
    ridge = 1e-6 * torch.eye(2, dtype=torch.double)
    for _ in range(steps):
        p = (features @ w).sigmoid()
        curve = features.t() @ (features * (p * (1 - p))[:, None]) + ridge
        w = w + torch.linalg.solve(curve, features.t() @ (positive - p)).clamp(-2, 2)
    return w[0].item(), w[1].item()


def nll(logits, labels, log_t):
    return F.cross_entropy(logits / torch.tensor(log_t).exp(), labels).item()
