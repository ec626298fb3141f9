"""The manifest of a finished zoo, as a dict; mux/zoo/manifest.ts checks it."""
import datetime

import torch

from config import as_dict, group_of, role
from data.images import FILES
from export.graphs import file_entry, NEEDS
from metrics import accuracy, auroc
from networks import flops
from policies.calibrate import entry, group_outputs, pair_outputs, policy, relative_mux_cost, train_gate
from policies.gate import with_gains
from policies.group_rules import ensemble, escalate, single
from policies.rules import apply
from steps.step2 import mean


def device_policy(config, data, graphs, held, shape):
    """The manifest's `policy` from what calibrate.measure found on held-out images."""
    pair = pair_outputs(config, held)
    chosen = policy(config, pair, group_outputs(config, graphs, held, shape), relative_mux_cost(config, graphs, shape),
                    train_gate(config, data, graphs, pair) if config.gate else None)
    chosen['calibration'].update(bias=graphs.bias, temperatures=graphs.temperatures)
    return chosen


def manifest(config, data, graphs, folder, test, chosen, names, run):
    """test: what calibrate.measure found on the test images; chosen: device_policy; names: the models' files; run: see
    zoo.write_zoo."""
    h, w, c = data.test.images.shape[1:]
    written = {
        'schema': 2, 'name': config.zoo, 'version': datetime.date.today().isoformat(), 'licence': config.licence,
        'input': {'height': h, 'width': w, 'channels': c, 'layout': 'NHWC', 'dtype': 'uint8', **config.how},
        'labels': list(data.labels),
        'models': [{'id': m.id, **file_entry(folder, name), 'roles': list(m.roles), 'needs': NEEDS,
                    'architecture': m.arch + (', and of the mirror image' if m.mirrors else ''),
                    'flops': flops.count(graph.net, (c, h, w)), 'accuracy': rounded(accuracy(p, data.test.labels))}
                   for m, name, graph, p in zip(config.models, names, graphs.models, test['models'])],
        'mux': muxes(config, graphs, folder, test, (c, h, w)),
        'policy': chosen,
        'golden': file_entry(folder, 'golden.json'),
        'training': training(config, graphs, test, chosen, (c, h, w), run),
    }
    if (folder / FILES['test images']).is_file():
        written['test'] = {'images': file_entry(folder, FILES['test images']), 'labels': file_entry(folder, FILES['test labels']),
                           'count': len(data.test)}
    return written


def muxes(config, graphs, folder, test, shape):
    """The entries of the pair's mux and the group's. A group's auroc is the mean over its models of "this one is wrong"."""
    labels = test['labels']
    wrong = test['models'].argmax(2) != labels
    form = f'{config.mux.arch} (four convolutions), loss {config.mux.loss}'
    found = {'pair': {**file_entry(folder, 'mux.onnx'), 'needs': NEEDS, 'architecture': form, 'flops': flops.count(graphs.mux.net, shape),
                      'accuracy': rounded(accuracy(test['mux'], labels)),
                      'auroc': rounded(auroc(test['score'], wrong[role(config, 'local')]))}}
    if graphs.group is not None:
        chosen = group_of(config)
        scores = mean([auroc(-test['correct'][:, n], wrong[k]) for n, k in enumerate(chosen)])
        found['group'] = {**file_entry(folder, 'mux-group.onnx'), 'needs': NEEDS, 'architecture': form,
                          'flops': flops.count(graphs.group.net, shape), 'accuracy': rounded(accuracy(test['group'], labels)),
                          'auroc': rounded(scores), 'models': [config.models[k].id for k in chosen]}
    return found


def training(config, graphs, test, chosen, shape, run):
    """How the zoo was made, and what its policies reach on the test images."""
    group = group_outputs(config, graphs, test, shape)
    return {'command': run['command'], 'config': config.name, 'seed': config.seed, 'durationS': run['durationS'],
            'date': datetime.datetime.now(datetime.timezone.utc).isoformat(timespec='seconds'),
            'machine': run['machine'], 'torch': torch.__version__, 'contrastive': config.contrastive,
            'notes': run['notes'], 'reused': run.get('reused', []), 'test': pair_test(pair_outputs(config, test), chosen),
            **({} if group is None else {'testGroup': group_test(group, chosen['calibration']['group'])}),
            'settings': as_dict(config)}


def pair_test(outputs, chosen):
    """What every device mode reaches on the test images at its calibrated thresholds."""
    costs, rows = chosen['calibration']['costs'], {}
    if 'gate' in chosen:
        outputs = with_gains(chosen['gate'], outputs, chosen['calibration']['modes'].get('three-tier', {}).get('thresholds', {}))
    for mode, calibrated in chosen['calibration']['modes'].items():
        row = entry(calibrated['thresholds'], apply(mode, calibrated['thresholds'], outputs), costs['mux'], costs['upload'])
        rows[mode] = {k: v for k, v in row.items() if k != 'thresholds'}
    return rows


def group_test(outputs, group):
    """Accuracy and mean multiply-accumulates of every calibrated group rule on the test images."""
    exponents = torch.tensor(group['exponents'])
    rows = []
    for row in group['targets']:
        if row['policy'] == 'escalate':
            probabilities, called = escalate(outputs, row['mu'], row['confidence'], exponents, row['ladder'])
        elif row['policy'] == 'single':
            probabilities, called = single(outputs, row['mu'])
        else:
            probabilities, called = ensemble(outputs, row['threshold'])
        rows.append({'policy': row['policy'], 'saving': row['saving'], 'accuracy': rounded(outputs.accuracy(probabilities)),
                     'flops': round(outputs.cost(called)), 'called': [rounded(v) for v in called.double().mean(0)]})
    return rows


def rounded(value):
    return None if value is None else round(float(value), 4)
