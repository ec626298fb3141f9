"""Step 1 in its stages: models taken from other runs, models that train jointly, models that learn from finished ones,
and, if wanted, further copies for out-of-fold correctness."""
import dataclasses
import json
from pathlib import Path

import torch
from torch import nn

from config import TrainError, as_dict, differences
from data.images import generator
from networks.nets import Mirrored
from steps.step1 import CHECKPOINT, STUDENTS, build, train_models

SPLITS = ('seed', 'mux_count', 'calibration_count', 'train_limit')   # other splits: held-out images would be known
NOT_STEP1 = ('name', 'zoo', 'licence', 'source', 'models', 'mux', 'gap_share', 'upload_cost', 'gate', 'weights', 'golden', 'epochs')


def step1(config, data, runtime, models_from=(), start_from=(), only=None):
    """(models in the config's order, projections, record of the models taken from other runs).

    models_from: folders of runs, or folder:id,id; of a model that several have, the first one's is taken. start_from: likewise,
    of weights to train on from. only: ids of the models to train; the others are left as they begin."""
    models, projections = build(config, data.train.images.shape[3], len(data.labels))
    finished, reused = {}, []
    for folder in models_from:
        found, record = from_run(config, folder, runtime, finished)
        for n, m in enumerate(config.models):
            if m.id in found:
                models[n].load_state_dict(found[m.id])
                finished[m.id] = models[n].to(runtime.device, memory_format=torch.channels_last).eval()
        reused.append(record)
    start = {}
    for folder in start_from:
        start.update(from_run(config, folder, runtime, start)[0])
    for checkpoint, epochs, wanted in stages_of(config):
        part = tuple(m for m in wanted if m.id not in finished and (only is None or m.id in only))
        if not part:
            continue
        missing = [m.teacher for m in part if m.teacher and m.teacher not in finished]
        if missing:
            raise TrainError(f'the teacher {missing[0]} is not trained yet: name its run with --models-from')
        trained, g = train_models(dataclasses.replace(config, models=part, epochs=epochs), data, runtime, teachers=finished,
                                  checkpoint=checkpoint, start=start)
        finished.update({m.id: model for m, model in zip(part, trained)})
        for m, projection in zip(part, g):
            projections[[s.id for s in config.models].index(m.id)] = projection
    finished.update(mirrored(config, finished))
    return nn.ModuleList(finished.get(m.id, model) for m, model in zip(config.models, models)), projections.to(runtime.device), reused


def mirrored(config, finished):
    """{id: network} of the models that are another one, asked twice, where that one is finished."""
    return {m.id: Mirrored(finished[m.mirrors]).eval() for m in config.models if m.mirrors in finished}


def stages_of(config):
    """[(checkpoint's name, epochs, models)]: models with a teacher come after the others, and models train together with those that
    have as many epochs."""
    stages, trained = [], [m for m in config.models if not m.mirrors]
    for name, models in ((CHECKPOINT, [m for m in trained if not m.teacher]), (STUDENTS, [m for m in trained if m.teacher])):
        own = sorted({m.epochs for m in models})
        stages += [(name.replace('.pt', f'-{epochs}.pt') if epochs else name, epochs or config.epochs,
                    [m for m in models if m.epochs == epochs]) for epochs in own]
    return stages


def from_run(config, folder, runtime, known):
    """{id: state dict} of another run's finished models, for the models of this config that are not in `known`; and a
    record of where from."""
    folder, _, ids = str(folder).partition(':')
    found, record = {}, {'run': folder, 'models': []}
    if config.contrastive != 'none':
        raise TrainError('the contrastive loss ties the models together: models of other runs are for configs without it')
    for path in (Path(folder) / name for name in checkpoints(Path(folder))):
        state = torch.load(path, map_location=runtime.device)
        other = state['config']
        if state['epoch'] < other['epochs']:
            raise TrainError(f'{path} is not finished: {state["epoch"]} of {other["epochs"]} epochs')
        changed = differences(other, as_dict(config))
        if set(changed) & set(SPLITS):
            raise TrainError(f'{path} has other splits of the images (differs in {", ".join(changed)})')
        for k, spec in enumerate(other['models']):
            mine = any(m.id == spec['id'] and m.arch == spec['arch'] and not m.mirrors for m in config.models)
            if mine and spec['id'] not in known and (not ids or spec['id'] in ids.split(',')):
                found[spec['id']] = {key.partition('.')[2]: v for key, v in state['models'].items() if key.startswith(f'{k}.')}
                record['models'].append(spec['id'])
        record.update(config=other['name'], epochs=other['epochs'], durationS=seconds_of(path.parent),
                      differs=[key for key in changed if key not in NOT_STEP1])
    if not found:
        raise TrainError(f'{folder} has no finished model that is wanted here')
    return found, record


def checkpoints(folder):
    """Names of step 1's checkpoints in a run's folder."""
    return [p.name for name in (CHECKPOINT, STUDENTS) for p in sorted(folder.glob(name.replace('.pt', '*.pt'))) if '-fold-' not in p.name]


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
        plain = tuple(dataclasses.replace(m, teacher='') for m in config.models if not m.mirrors)
        part = dataclasses.replace(data, train=data.train.take(seen))
        models, _ = train_models(dataclasses.replace(config, models=plain), part, runtime, checkpoint=f'models-fold-{k}.pt')
        trained = dict(zip((m.id for m in plain), models))
        trained.update(mirrored(config, trained))
        found.append((nn.ModuleList(trained[m.id] for m in config.models), unseen))
    return found
