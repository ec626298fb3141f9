"""The server's group policy from held-out images: μ, T and the escalation's confidence for stated budgets of FLOPs."""
import torch

from group_policies import ensemble, escalate, exponents_of, grid_search, single

SAVINGS = (2.85, 5.0, 10.0)     # times fewer multiply-accumulates than the largest model; 2.85 is the paper's
MU = [0.0, *torch.logspace(-2.5, 0, 26).tolist()]
CONFIDENCE = [0.0, 0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99]


def group_policy(outputs):
    """The manifest's `group` policy: the shipped rule at the paper's saving, and the other rules and budgets beside it."""
    exponents = exponents_of(outputs)
    largest = outputs.flops.max().item()
    table = []
    for saving in SAVINGS:
        for name, found in search(outputs, exponents, largest / saving).items():
            if found:
                setting, accuracy, cost = found
                table.append({'policy': name, 'saving': saving, **printable(setting), 'accuracy': round(accuracy, 4),
                              'flops': round(cost)})
    first = [row for row in table if row['saving'] == SAVINGS[0]]
    shipped = max(first, key=lambda row: row['accuracy'], default=None)
    t = best_threshold(outputs)
    return {'policy': shipped and shipped['policy'], 'mu': row_of(first, 'single').get('mu', 0.0), 'threshold': t,
            'escalate': {k: row_of(first, 'escalate').get(k) for k in ('mu', 'confidence', 'ladder')},
            'exponents': [round(e, 4) for e in exponents.tolist()], 'targets': table, 'images': len(outputs.labels)}


def row_of(rows, name):
    return next((row for row in rows if row['policy'] == name), {})


def search(outputs, exponents, budget):
    """{rule: (settings, accuracy, cost) or None} at a mean cost of at most `budget`."""
    def escalating(out, mu, confidence, ladder):
        return escalate(out, mu, confidence, exponents, ladder)
    last = len(outputs.flops) - 1
    ladders = [list(range(last + 1)), *([k, last] for k in range(1, last)), *([j, k, last] for j in range(last) for k in range(j + 1, last))]
    rules = {'single': (single, [{'mu': mu} for mu in MU]),
             'ensemble': (ensemble, [{'threshold': t} for t in thresholds(outputs)]),
             'escalate': (escalating, [{'mu': mu, 'confidence': c, 'ladder': ladder}
                                       for mu in MU[::3] for c in CONFIDENCE for ladder in ladders])}
    return {name: grid_search(rule, settings, outputs, budget) for name, (rule, settings) in rules.items()}


def thresholds(outputs, steps=60):
    """T from the weights' own distribution, the paper's 0.288 among them."""
    grid = torch.quantile(outputs.weights.flatten().double(), torch.linspace(0.3, 1, steps, dtype=torch.double))
    return sorted({0.288, *(round(v, 4) for v in grid.tolist())})


def best_threshold(outputs):
    """The T of the most accurate ensemble, as the paper sweeps it (cost plays no part)."""
    found = grid_search(ensemble, [{'threshold': t} for t in thresholds(outputs)], outputs, float('inf'))
    return found[0]['threshold']


def printable(setting):
    return {k: round(v, 5) if isinstance(v, float) else v for k, v in setting.items()}
