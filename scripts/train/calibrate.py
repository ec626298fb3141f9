"""Thresholds and temperatures, from the calibration split only (no network has trained on it)."""
from dataclasses import dataclass

import torch

from export import ModelGraph, MuxGraph, run_twin
from metrics import fit_temperature, predict
from step2 import role


@dataclass
class Graphs:
    """What is exported. models: ModelGraph in the config's order; mux: MuxGraph."""
    models: list
    mux: MuxGraph
    bias: float
    temperatures: dict


def calibrate(config, data, models, mux, runtime):
    """Graphs with calibrated softmaxes and a score of which `mux.offload_share` lies above 0.5."""
    held = data.calibration
    mean, std = [config.mean], [config.std]
    temperatures = {m.id: fit_temperature(predict(net, held, config, runtime), held.labels)
                    for m, net in zip(config.models, models)}
    temperatures['mux'] = fit_temperature(predict(mux, held, config, runtime, output=1), held.labels)
    need = predict(mux, held, config, runtime)[:, 0]
    bias = torch.quantile(need, 1 - config.mux.offload_share).item()
    graphs = [ModelGraph(net, mean, std, temperatures[m.id]) for m, net in zip(config.models, models)]
    return Graphs(graphs, MuxGraph(mux, mean, std, bias, temperatures['mux']), bias, temperatures)


def measure(config, graphs, split):
    """Outputs of all twins on a split: {'score' [N], 'mux' [N, K], 'models' [M, N, K]}."""
    score, classes = run_twin(graphs.mux, split.images)
    return {'score': score, 'mux': classes,
            'models': torch.stack([run_twin(g, split.images)[0] for g in graphs.models])}


def hybrid(config, outputs, labels, threshold=0.5):
    """(offload share, accuracy) of the pair rule: score > threshold → the cloud model's answer, else the local one's."""
    right = outputs['models'].argmax(2) == labels
    away = outputs['score'] > threshold
    chosen = torch.where(away, right[role(config, 'cloud')], right[role(config, 'local')])
    return away.float().mean().item(), chosen.float().mean().item()
