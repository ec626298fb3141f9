"""The server's group policy from held-out images: μ, T and the escalation's settings for stated budgets of FLOPs."""
import itertools

import torch

from policies.group_rules import ensemble, escalate, evaluated, exponents_of, single, within

SAVINGS = (2.85, 5.0, 10.0)     # times fewer multiply-accumulates than the largest model; 2.85 is the paper's
MARGIN = 0.95                   # share of a budget that may be used on held-out images: new ones may cost a little more
MU = [0.0, *(round(v, 5) for v in torch.logspace(-2.5, 0.3, 29).tolist())]
START_MU = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4)
CONFIDENCE = (0.0, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.995)


def group_policy(outputs):
    """The manifest's `group` policy: the shipped rule at the paper's saving, and the other rules and budgets beside it."""
    exponents = torch.tensor([round(e, 4) for e in exponents_of(outputs).tolist()], dtype=torch.double)
    tried = {name: evaluated(rule, settings, outputs) for name, (rule, settings) in rules(outputs, exponents).items()}
    largest = outputs.flops.max().item()
    table = []
    for saving, (name, found) in itertools.product(SAVINGS, tried.items()):
        budget = MARGIN * largest / saving
        best = within(spent(found, budget) if name == 'escalate' else found, budget)
        if best is not None:
            table.append({'policy': name, 'saving': saving, **best[0], 'accuracy': round(best[1], 4), 'flops': round(best[2])})
    first = [row for row in table if row['saving'] == SAVINGS[0]]
    shipped = max(first, key=lambda row: row['accuracy'], default={'policy': 'largest'})
    climb = next((row for row in first if row['policy'] == 'escalate'), {'mu': 0.0, 'confidence': 1.0, 'ladder': [len(outputs.flops) - 1]})
    return {'policy': shipped['policy'], 'mu': next((row['mu'] for row in first if row['policy'] == 'single'), 0.0),
            'threshold': within(tried['ensemble'], float('inf'))[0]['threshold'],     # the paper's sweep: cost plays no part
            'escalate': {key: climb[key] for key in ('mu', 'confidence', 'ladder')},
            'exponents': exponents.tolist(), 'targets': table, 'images': len(outputs.labels)}


def spent(found, budget):
    """Of `escalate`'s settings only the highest confidence that each start and ladder can afford: asking one more model does
    not make an answer worse, so an accuracy that falls with the confidence is noise of the held-out images."""
    dearest = {}
    for setting, *measured in found:
        if measured[1] <= budget:
            way = setting['mu'], tuple(setting['ladder'])
            if way not in dearest or setting['confidence'] > dearest[way][0]['confidence']:
                dearest[way] = (setting, *measured)
    return list(dearest.values())


def rules(outputs, exponents):
    """{policy: (rule, settings to try)}."""
    last = len(outputs.flops) - 1
    ladders = [list(range(last + 1)), *([k, last] for k in range(last)), *([j, k, last] for j in range(last) for k in range(j + 1, last))]
    unique = [ladder for n, ladder in enumerate(ladders) if ladder not in ladders[:n]]

    def escalating(out, mu, confidence, ladder):
        return escalate(out, mu, confidence, exponents, ladder)
    return {'single': (single, [{'mu': mu} for mu in MU]),
            'ensemble': (ensemble, [{'threshold': t} for t in thresholds(outputs)]),
            'escalate': (escalating, [{'mu': mu, 'confidence': c, 'ladder': ladder}
                                      for mu in START_MU for c in CONFIDENCE for ladder in unique])}


def thresholds(outputs, steps=60):
    """T from the weights' own distribution, the paper's 0.288 among them."""
    grid = torch.quantile(outputs.weights.flatten().double(), torch.linspace(0.3, 1, steps, dtype=torch.double))
    return sorted({0.288, *(round(v, 4) for v in grid.tolist())})
