"""Temperatures, scores, thresholds and policies, from the calibration split only (no network has trained on it)."""
from dataclasses import dataclass

import torch

from config import group_of, role
from data.split import Split
from export.graphs import GroupMuxGraph, ModelGraph, MuxGraph, run_twin
from metrics import fit_logistic, fit_temperature, predict, predict_all
from networks import flops
from policies import gate, rules, search
from policies.group_calibrate import group_policy
from policies.group_rules import GroupOutputs

OFFLOADS = (0.05, 0.1, 0.2, 0.32, 0.5)
GAPS = (0.5, 0.9, 0.98)
UPLOADS = (0.5, 1.0, 2.0, 4.0, 8.0)


@dataclass
class Graphs:
    """What is exported. models: ModelGraph in the config's order; mux: MuxGraph; group: GroupMuxGraph or None."""
    models: list
    mux: MuxGraph
    group: GroupMuxGraph
    bias: float
    temperatures: dict


def calibrate(config, data, models, mux, group, runtime):
    """Graphs with calibrated softmaxes and a score of which `mux.offload_share` lies above 0.5."""
    held = data.calibration
    mean, std = config.mean, config.std
    answers = predict_all(models, held, config, runtime)
    temperatures = {m.id: fit_temperature(logits, held.labels) for m, logits in zip(config.models, answers)}
    need, classes = predict(mux, held, config, runtime, output=(0, 1))
    temperatures['mux'] = fit_temperature(classes, held.labels)
    bias = torch.quantile(need[:, 0], 1 - config.mux.offload_share).item()
    graphs = [ModelGraph(net, mean, std, temperatures[m.id]) for m, net in zip(config.models, models)]
    group_graph = None
    if group is not None:
        right = [answers[k].argmax(1) == held.labels for k in group_of(config)]
        need, classes = predict(group, held, config, runtime, output=(0, 1))
        fits = torch.tensor([fit_logistic(need[:, n], ~r) for n, r in enumerate(right)])
        temperatures['mux-group'] = fit_temperature(classes, held.labels)
        group_graph = GroupMuxGraph(group, mean, std, fits[:, 0], fits[:, 1], temperatures['mux-group'])
    return Graphs(graphs, MuxGraph(mux, mean, std, bias, temperatures['mux']), group_graph, bias, temperatures)


def measure(config, graphs, split):
    """Outputs of all twins on a split: score [N], mux [N, K], models [M, N, K]; of a group correct, weights [N, G], group [N, K]."""
    score, classes = run_twin(graphs.mux, split.images)
    out = {'score': score, 'mux': classes, 'models': torch.stack([run_twin(g, split.images)[0] for g in graphs.models]),
           'labels': split.labels}
    if graphs.group is not None:
        out['correct'], out['weights'], out['group'] = run_twin(graphs.group, split.images)
    return out


def held_out(config, data):
    """The calibration images and, where training flips pictures, their mirror images: twice the evidence."""
    held = data.calibration
    if not config.flip:
        return held
    images = held.images[:]
    return Split(torch.cat([images, images.flip(2)]), held.labels.repeat(2))


def pair_outputs(config, out):
    """rules.Outputs of what measure() found."""
    local, cloud = role(config, 'local'), role(config, 'cloud')
    return rules.Outputs(out['score'], out['mux'], out['models'][local], out['models'][cloud], out['labels'])


def group_outputs(config, graphs, out, shape):
    """group_rules.GroupOutputs of what measure() found; None without a group."""
    if graphs.group is None:
        return None
    chosen = group_of(config)
    costs = torch.tensor([flops.count(graphs.models[k].net, shape) for k in chosen], dtype=torch.float64)
    return GroupOutputs(out['correct'], out['weights'], out['models'][chosen], out['labels'], costs)


def relative_mux_cost(config, graphs, shape):
    """Multiply-accumulates of a mux run in local runs."""
    return flops.count(graphs.mux.net, shape) / flops.count(graphs.models[role(config, 'local')].net, shape)


def train_gate(config, data, graphs, held):
    """The gate of `three-tier` (gate.py) for these graphs; its fusing weights are those of the held-out Outputs."""
    local, cloud = (graphs.models[role(config, name)] for name in ('local', 'cloud'))

    def run(images):
        return (*run_twin(graphs.mux, images), run_twin(local, images)[0], run_twin(cloud, images)[0])
    return gate.fit(gate.examples(config, data, run), search.fusion_weights(held), config.seed)


def policy(config, outputs, group, mux, gated=None):
    """The manifest's `policy`, from held-out Outputs of the pair and GroupOutputs (or None) of the group: the shipped mode,
    every mode's thresholds, and tables of further targets. mux: the cost of a mux run in local runs; gated: the gate."""
    if gated:
        outputs = gate.with_gains(gated, outputs, search.fusion_weights(outputs))
    target = search.gap_target(outputs, config.gap_share)
    modes = {'mux': entry({'mux': 0.5}, rules.apply('mux', {'mux': 0.5}, outputs), mux, config.upload_cost,
                          target=f'offload {config.mux.offload_share:.0%}')}
    for mode in rules.MODES[1:]:
        rule = mode == 'three-tier' and bool(gated) and gate_is_better(outputs)
        found = search.cheapest(search.reaching(mode, outputs, target, rule), mux, config.upload_cost)
        if found:
            modes[mode] = entry(*found, mux, config.upload_cost, target=f'{config.gap_share:.0%} of the gap')
    reaching = [m for m in modes if m != 'mux'] or ['mux']
    shipped = min(reaching, key=lambda m: modes[m]['cost'])
    return {'mode': shipped, 'thresholds': {'mux': 0.5, **modes[shipped]['thresholds']}, **({'gate': gated} if gated else {}),
            'calibration': {
                'images': len(outputs.labels), 'costs': {'mux': round(mux, 4), 'local': 1, 'upload': config.upload_cost},
                'target': f'{config.gap_share:.0%} of the way from the local to the cloud accuracy', 'modes': modes,
                'targets': targets(outputs, mux, gated), **({} if group is None else {'group': group_policy(group)})}}


def fused_base(outputs, gated):
    """Thresholds of three-tier without a mux that answers: the last rule alone."""
    return {'answer': 1.0, **search.fusion_weights(outputs), **({'gain': 1.0} if gated else {})}


def gate_is_better(outputs):
    """Whether the gate, over all of OFFLOADS, picks better frames to offload than the fused confidence does."""
    def accuracy(gated):
        cuts = (search.at_offload('three-tier', fused_base(outputs, gated), outputs, share) for share in OFFLOADS)
        return sum(rules.apply('three-tier', thresholds, outputs).accuracy() for thresholds in cuts)
    return accuracy(True) > accuracy(False)


def last_rules(mode, gated):
    """Whether a mode's last rule is the gate: the ways there are to end it."""
    return (False, True) if gated and mode == 'three-tier' else (False,)


def targets(outputs, mux, gated):
    """Thresholds for further targets: shares of the gap at several upload costs, and offload shares."""
    table, every = [], [(mode, rule) for mode in rules.MODES for rule in last_rules(mode, gated)]
    for share in GAPS:
        goal = search.gap_target(outputs, share)
        for mode, rule in every:
            found = search.reaching(mode, outputs, goal, rule)
            table += [entry(*search.cheapest(found, mux, upload), mux, upload, mode=mode, gap=share, upload=upload)
                      for upload in UPLOADS if found]
    for share in OFFLOADS:
        for mode, rule in every:
            base = {'two-stage': {'offload': 1.0}, 'three-tier': fused_base(outputs, rule)}.get(mode, {})
            thresholds = search.at_offload(mode, base, outputs, share)
            table.append(entry(thresholds, rules.apply(mode, thresholds, outputs), mux, 4.0, mode=mode, offload=share))
    return table


def entry(thresholds, outcome, mux_cost, upload_cost, **words):
    """A row of the manifest: thresholds and what they reach; cost in local runs."""
    return {**words, 'thresholds': thresholds, 'offloadShare': round(outcome.offload_share(), 4),
            'accuracy': round(outcome.accuracy(), 4), 'localRuns': round(outcome.local.double().mean().item(), 4),
            'cost': round(outcome.cost(mux_cost, upload_cost), 4)}
