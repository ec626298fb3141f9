"""The server's rules over measured outputs of a group, and the search for their settings.

Outputs of N images and M models, cheapest first: correct [N, M] (p_i), weights [N, M] (w_i), models [M, N, K], labels [N];
flops [M]. A rule returns (probabilities [N, K], called [N, M]): the answer and which models ran.
"""
from dataclasses import dataclass

import torch

FLOOR = 1e-12


@dataclass
class GroupOutputs:
    correct: torch.Tensor
    weights: torch.Tensor
    models: torch.Tensor
    labels: torch.Tensor
    flops: torch.Tensor

    def __post_init__(self):
        self.logs = self.models.float().clamp_min(FLOOR).log()

    def accuracy(self, probabilities):
        return (probabilities.argmax(1) == self.labels).double().mean().item()

    def cost(self, called):
        """Mean multiply-accumulates of the models called (eq. 14)."""
        return (called.double() @ self.flops.double()).mean().item()


def start(outputs, mu):
    """argmax_i p_i − μ c_i / c_max: [N]. μ = 0 is the paper's."""
    return (outputs.correct - mu * outputs.flops / outputs.flops.max()).argmax(1)


def single(outputs, mu):
    """Hybrid-single: one model an image."""
    first = start(outputs, mu)
    n = torch.arange(len(first))
    called = torch.zeros_like(outputs.correct, dtype=torch.bool)
    called[n, first] = True
    return outputs.models[first, n], called


def ensemble(outputs, threshold):
    """Algorithm 2: the mean of the models with w_i > T; where none passes, the one of the largest weight."""
    called = outputs.weights > threshold
    none = ~called.any(1)
    called[none, outputs.weights[none].argmax(1)] = True
    share = called.double() / called.sum(1, keepdim=True)
    return torch.einsum('nm,mnk->nk', share, outputs.models.double()), called


def combine(outputs, called, exponents):
    """Weighted mean of the called models' log-probabilities: p ∝ Π p_i^(e_i / Σ_called e). exponents [M] → [N, K].

    One model alone keeps its calibrated probabilities."""
    share = called.float() * exponents.float()
    return torch.einsum('nm,mnk->nk', share / share.sum(1, keepdim=True), outputs.logs).softmax(1)


def escalate(outputs, mu, confidence, exponents, ladder=None):
    """Starts where `single` would; while the combined answer's largest probability is below `confidence`, the next dearer
    model of `ladder` (indices; all by default) runs too."""
    ladder = list(range(len(outputs.flops))) if ladder is None else ladder
    allowed = torch.full((len(outputs.flops),), -torch.inf)
    allowed[ladder] = 0.0
    rating = outputs.correct - mu * outputs.flops / outputs.flops.max() + allowed
    top = rating.argmax(1)
    called = torch.zeros_like(outputs.correct, dtype=torch.bool)
    called[torch.arange(len(top)), top] = True
    for model in ladder[1:]:
        unsure = combine(outputs, called, exponents).max(1).values < confidence
        called[unsure & (top < model), model] = True
    return combine(outputs, called, exponents), called


def exponents_of(outputs):
    """Exponents [M], the largest 1, that minimise the cross-entropy of all models combined."""
    logs = outputs.logs.double()
    w = torch.full((len(logs),), 1.0 / len(logs), dtype=torch.double, requires_grad=True)
    optimiser = torch.optim.LBFGS([w], max_iter=100, line_search_fn='strong_wolfe')

    def loss():
        optimiser.zero_grad()
        value = torch.nn.functional.cross_entropy((w.clamp_min(0)[:, None, None] * logs).sum(0), outputs.labels)
        value.backward()
        return value
    optimiser.step(loss)
    w = w.detach().clamp_min(0.05 * w.max().item())             # none so small that it alone would say nothing
    return w / w.max()


def evaluated(rule, settings, outputs):
    """[(settings, accuracy, mean cost)] of a rule."""
    found = []
    for setting in settings:
        probabilities, called = rule(outputs, **setting)
        found.append((setting, outputs.accuracy(probabilities), outputs.cost(called)))
    return found


def within(found, budget):
    """The most accurate of evaluated()'s at a mean cost of at most `budget` (the cheaper on a tie); None if there is none."""
    return max((f for f in found if f[2] <= budget), key=lambda f: (f[1], -f[2]), default=None)
