"""The search for the device's thresholds, from outputs of held-out images."""
import torch

from policies.rules import FLOOR, apply, fuse, keeping, last_cut


def fusion_weights(outputs):
    """{fuseLocal, fuseMux} that minimise the cross-entropy of the fused probabilities on held-out images."""
    logs = torch.stack([p.clamp_min(FLOOR).log() for p in (outputs.local, outputs.mux)]).double()
    weights = torch.tensor([0.7, 0.3], dtype=torch.double, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=100, line_search_fn='strong_wolfe')

    def loss():
        optimiser.zero_grad()
        value = torch.nn.functional.cross_entropy((weights[:, None, None] * logs).sum(0), outputs.labels)
        value.backward()
        return value
    optimiser.step(loss)
    a, b = (round(min(max(w, 0.0), 10.0), 4) for w in weights.tolist())
    return {'fuseLocal': a, 'fuseMux': b}


def smooth(scores, right, steps=12):
    """P(right) as a logistic function of z = logit(score) and z², fitted by Newton's method: [N] → [N].

    Single lucky images would otherwise decide where a threshold falls; the fit keeps their sum."""
    z = torch.logit(scores.double().clamp(1e-6, 1 - 1e-6))
    x = torch.stack([torch.ones_like(z), z, z * z / 10], 1)
    w, ridge = torch.zeros(3, dtype=torch.double), 1e-3 * torch.eye(3, dtype=torch.double)
    ridge[0, 0] = 1e-9
    for _ in range(steps):
        p = (x @ w).sigmoid()
        slope = x.t() @ (right - p) - ridge @ w
        w = w + torch.linalg.solve(x.t() @ (x * (p * (1 - p))[:, None]) + ridge, slope).clamp(-3, 3)
    return (x @ w).sigmoid()


def sweep(scores, keep_right, send_right, base_right=0.0, total=None):
    """Cuts of "keep where the score is at least t": for k = 0 … n kept, the (smoothed) accuracy over `total` images
    [n + 1] and the threshold t between neighbours [n + 1]. base_right: right answers given before this rule."""
    order = scores.argsort(descending=True)
    ends = torch.ones(1, dtype=torch.double), torch.zeros(1, dtype=torch.double)
    if not len(scores):
        return (base_right + ends[1]) / total, ends[0]
    gain = (smooth(scores, keep_right) - smooth(scores, send_right))[order].cumsum(0)
    right = base_right + send_right.sum() + torch.cat([ends[1], gain])
    s = scores[order].double()
    return right / (total or len(scores)), torch.cat([ends[0], (s[:-1] + s[1:]) / 2, ends[1]])


def best_cut(outputs, thresholds, mode, target):
    """The mode's thresholds with the last one keeping most at an accuracy of at least `target`; None if none does."""
    probe = apply(mode, last_cut(thresholds, 0.0), outputs)              # everything that may stay stays
    rest = probe.local
    probabilities = fuse(outputs, thresholds) if mode == 'three-tier' else outputs.local
    right, cuts = sweep(keeping(thresholds, outputs, probabilities)[rest], outputs.right(probabilities)[rest],
                        outputs.right(outputs.cloud)[rest], probe.right[~rest].sum(), len(outputs.labels))
    good = (right >= target - 1e-12).nonzero()[:, 0]
    return last_cut(thresholds, cuts[good[-1]].item()) if len(good) else None


def candidates(mode, outputs, steps=40, gated=False):
    """Thresholds to try, the last one aside. gated: of three-tier with the gate."""
    if mode == 'cascade':
        return [{}]
    if mode == 'two-stage':
        grid = torch.quantile(outputs.score.double(), torch.linspace(0.5, 1, steps, dtype=torch.double))
        return [{'offload': round(v, 5)} for v in {*grid.tolist(), 1.0}]
    grid = torch.quantile(outputs.mux.max(1).values.double(), torch.linspace(0, 1, steps, dtype=torch.double))
    last = {**fusion_weights(outputs), **({'gain': 1.0} if gated else {})}
    return [{'answer': round(min(v, 1.0), 5), **last} for v in grid.tolist()]


def reaching(mode, outputs, target, gated=False):
    """[(thresholds, Outcome)]: for each of the mode's candidates the least offloading that reaches the accuracy `target`."""
    if mode == 'mux':
        right, cuts = sweep(1 - outputs.score, outputs.right(outputs.local), outputs.right(outputs.cloud))
        good = (right >= target - 1e-12).nonzero()[:, 0]
        found = [{'mux': round(1 - cuts[good[-1]].item(), 5)}] if len(good) else []
    else:
        found = [best_cut(outputs, t, mode, target) for t in candidates(mode, outputs, gated=gated)]
    return [(t, apply(mode, t, outputs)) for t in found if t is not None]


def cheapest(found, mux, upload):
    """The (thresholds, Outcome) of least device cost among `reaching`'s; None if there is none."""
    return min(found, key=lambda pair: pair[1].cost(mux, upload), default=None)


def gap_target(outputs, share):
    """Accuracy at `share` of the way from the local model's to the cloud's."""
    local, cloud = outputs.right(outputs.local).mean().item(), outputs.right(outputs.cloud).mean().item()
    return local + share * (cloud - local)


def at_offload(mode, thresholds, outputs, share):
    """The thresholds with the last rule set so that `share` of these outputs are offloaded (`answer` etc. as given)."""
    n = len(outputs.labels)
    if mode == 'mux':
        return {'mux': round(torch.quantile(outputs.score.double(), 1 - share).item(), 5)}
    probe = apply(mode, last_cut(thresholds, 0.0), outputs)
    probabilities = fuse(outputs, thresholds) if mode == 'three-tier' else outputs.local
    scores = keeping(thresholds, outputs, probabilities)[probe.local].double().sort().values
    wanted = round(share * n - probe.offload.sum().item())
    cut = scores[min(max(wanted, 0), len(scores) - 1)].item() if len(scores) else 0.0
    return last_cut(thresholds, cut)
