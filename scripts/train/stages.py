"""Step 1 in its stages: models taken from other runs, models that train jointly, models that learn from finished ones,
and, if wanted, further copies for out-of-fold correctness."""
import dataclasses
import json
from pathlib import Path

import torch
from torch import nn

from config import TrainError, as_dict, differences
from data import generator
from step1 import CHECKPOINT, STUDENTS, build, train_models

SPLITS = ('seed', 'mux_count', 'calibration_count', 'train_limit')   # other splits: held-out images would be known
NOT_STEP1 = ('name', 'zoo', 'source', 'models', 'mux', 'gap_share', 'upload_cost', 'epochs')


def step1(config, data, runtime, models_from=()):
    """(models in the config's order, projections, record of the models taken from other runs)."""
    models, projections = build(config, data.train.images.shape[3], len(data.labels))
    finished, reused = {}, []
    for folder in models_from:
        found, record = from_run(config, folder, models, runtime)
        finished.update(found)
        reused.append(record)
    for checkpoint, wanted in ((CHECKPOINT, lambda m: not m.teacher), (STUDENTS, lambda m: m.teacher)):
        part = tuple(m for m in config.models if m.id not in finished and wanted(m))
        if not part:
            continue
        missing = [m.teacher for m in part if m.teacher and m.teacher not in finished]
        if missing:
            raise TrainError(f'the teacher {missing[0]} is not trained yet: name its run with --models-from')
        trained, g = train_models(dataclasses.replace(config, models=part), data, runtime, teachers=finished, checkpoint=checkpoint)
        finished.update({m.id: model for m, model in zip(part, trained)})
        for m, projection in zip(part, g):
            projections[[s.id for s in config.models].index(m.id)] = projection
    return nn.ModuleList(finished[m.id] for m in config.models), projections.to(runtime.device), reused


def from_run(config, folder, models, runtime):
    """{id: finished model} of another run's checkpoints, for the models of this config; and a record of where from."""
    found, record = {}, {'run': str(folder), 'models': []}
    if config.contrastive != 'none':
        raise TrainError('the contrastive loss ties the models together: --models-from is for runs without it')
    for name in (CHECKPOINT, STUDENTS):
        path = Path(folder) / name
        if not path.is_file():
            continue
        state = torch.load(path, map_location=runtime.device)
        other = state['config']
        if state['epoch'] < other['epochs']:
            raise TrainError(f'{path} is not finished: {state["epoch"]} of {other["epochs"]} epochs')
        changed = differences(other, as_dict(config))
        if set(changed) & set(SPLITS):
            raise TrainError(f'{path} has other splits of the images (differs in {", ".join(changed)})')
        for k, spec in enumerate(other['models']):
            mine = next((n for n, m in enumerate(config.models) if m.id == spec['id'] and m.arch == spec['arch']), None)
            if mine is None or spec['id'] in found:
                continue
            weights = {key.partition('.')[2]: v for key, v in state['models'].items() if key.startswith(f'{k}.')}
            models[mine].load_state_dict(weights)
            found[spec['id']] = models[mine].to(runtime.device, memory_format=torch.channels_last).eval()
            record['models'].append(spec['id'])
        record.update(config=other['name'], epochs=other['epochs'], durationS=seconds_of(path.parent),
                      differs=[key for key in changed if key not in NOT_STEP1])
    if not found:
        raise TrainError(f'{folder} has no finished model of {config.name}')
    return found, record


def seconds_of(folder):
    """When step 1 of a run was done, by its log; None without one."""
    try:
        lines = [json.loads(line) for line in (folder / 'log.jsonl').read_text(encoding='utf-8').splitlines()]
    except (OSError, ValueError):
        return None
    return max((round(line['t']) for line in lines if line.get('phase') == 'models'), default=None)


def fold_models(config, data, runtime):
    """[(models, rows of data.train they have not seen)] for out-of-fold correctness; [] where the config wants none.

    Fold k trains copies on all other folds, with the config's recipe; its checkpoint is models-fold-k.pt."""
    folds = config.mux.folds
    if not folds:
        return []
    order = torch.randperm(len(data.train), generator=generator(config.seed, 'folds'))
    found = []
    for k in range(folds):
        unseen = order[k::folds].sort().values
        seen = torch.cat([order[j::folds] for j in range(folds) if j != k]).sort().values
        plain = dataclasses.replace(config, models=tuple(dataclasses.replace(m, teacher='') for m in config.models))
        part = dataclasses.replace(data, train=data.train.take(seen))
        models, _ = train_models(plain, part, runtime, checkpoint=f'models-fold-{k}.pt')
        found.append((models, unseen))
    return found
