"""The device's rules over measured outputs, as mux/rules/policy-rules.ts applies them frame by frame.

Outputs of N images: score [N], mux [N, K], local [N, K], cloud [N, K] (probabilities), labels [N].
Costs are in local runs: one mux run `mux`, one upload `upload`.
"""
from dataclasses import dataclass, fields
from typing import Optional

import torch

FLOOR = 1e-12                   # as mux/rules/probabilities.ts
LEAST_GAIN = 1e-6
MODES = ('mux', 'cascade', 'two-stage', 'three-tier')


@dataclass
class Outputs:
    score: torch.Tensor
    mux: torch.Tensor
    local: torch.Tensor
    cloud: torch.Tensor
    labels: torch.Tensor
    gain: Optional[torch.Tensor] = None     # need − harm [N] of gate.py, where there is a gate

    def right(self, probabilities):
        return (probabilities.argmax(1) == self.labels).double()

    def take(self, index):
        columns = (getattr(self, field.name) for field in fields(self))
        return Outputs(*(None if column is None else column[index] for column in columns))


@dataclass
class Outcome:
    """Per image: right (0/1), ran the local model, was offloaded."""
    right: torch.Tensor
    local: torch.Tensor
    offload: torch.Tensor
    mux: bool

    def decisions(self):
        """'offload', 'local' or 'mux' (answered itself), per image."""
        return ['offload' if away else 'local' if local else 'mux' for away, local in zip(self.offload, self.local)]

    def accuracy(self):
        return self.right.mean().item()

    def offload_share(self):
        return self.offload.double().mean().item()

    def cost(self, mux, upload):
        """Mean device cost of a frame, in local runs."""
        return mux * self.mux + (self.local.double() + upload * self.offload).mean().item()


def fuse(outputs, thresholds):
    """p ∝ local^fuseLocal · mux^fuseMux, normalised: [N, K]."""
    a, b = thresholds.get('fuseLocal', 1.0), thresholds.get('fuseMux', 0.0)
    if (a, b) == (1.0, 0.0):
        return outputs.local
    return (a * outputs.local.clamp_min(FLOOR).log() + b * outputs.mux.clamp_min(FLOOR).log()).softmax(1)


def apply(mode, thresholds, outputs):
    """Outcome of a mode with its thresholds."""
    never = torch.zeros(len(outputs.labels), dtype=torch.bool)
    probabilities, answered, away, checked = outputs.local, never, never, mode != 'mux'
    if mode == 'mux':
        away = outputs.score > thresholds['mux']
    elif mode == 'two-stage':
        away = outputs.score > thresholds['offload']
    elif mode == 'three-tier':
        answered = outputs.mux.max(1).values >= thresholds['answer']
        probabilities = fuse(outputs, thresholds)
    local = ~answered & ~away
    if checked:
        away = away | local & sends(thresholds, outputs, probabilities)
    right = torch.where(away, outputs.right(outputs.cloud), outputs.right(probabilities))
    return Outcome(torch.where(answered, outputs.right(outputs.mux), right), local, away, mode != 'cascade')


def sends(thresholds, outputs, probabilities):
    """Which frames the last rule offloads: those whose need − harm is above `gain`, or without that threshold those whose
    largest (fused) probability is below `confidence`. probabilities [N, K] → bool [N]."""
    if 'gain' in thresholds:
        return outputs.gain > thresholds['gain']
    return probabilities.max(1).values < thresholds['confidence']


def keeping(thresholds, outputs, probabilities):
    """The last rule's score in [0, 1], high for frames it keeps: [N]. Where the cloud does more harm than good, all are alike."""
    return 1 - outputs.gain.clamp(LEAST_GAIN, 1) if 'gain' in thresholds else probabilities.max(1).values


def last_cut(thresholds, cut):
    """The thresholds with the last rule keeping what `keeping` scores at least `cut`."""
    key, value = ('gain', 1 - cut) if 'gain' in thresholds else ('confidence', cut)
    return {**thresholds, key: round(value, 5)}


def margin(mode, thresholds, outputs):
    """How far each image is from the nearest threshold that its mode knows: [N]."""
    gaps = []
    if mode in ('mux', 'two-stage'):
        gaps.append(outputs.score - thresholds['mux' if mode == 'mux' else 'offload'])
    if mode == 'three-tier':
        gaps.append(outputs.mux.max(1).values - thresholds['answer'])
    if mode != 'mux':
        probabilities = fuse(outputs, thresholds) if mode == 'three-tier' else outputs.local
        gaps.append(outputs.gain - thresholds['gain'] if 'gain' in thresholds else
                    probabilities.max(1).values - thresholds['confidence'])
    return torch.stack(gaps).abs().min(0).values
