"""The policy that the Python trainer finds on the outputs of a labels file with muxes, as JSON: what search.test.ts compares with.

    /usr/bin/python3 test/lab/calibrate/search/peer.py test/fixtures/policy-search/outputs.labels models/fashion-mnist \\
        > test/fixtures/policy-search/policy.json
"""
import functools
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[4] / 'scripts' / 'train'))
from data import labels as files                                # noqa: E402
from policies import calibrate, rules                           # noqa: E402
from policies.group_rules import GroupOutputs                   # noqa: E402


# to the end: with the usual tolerance of 1e-9 of the loss a weight may be off by 1e-4
torch.optim.LBFGS = functools.partial(torch.optim.LBFGS, tolerance_grad=1e-12, tolerance_change=0)


def main(path, zoo):
    header, found = files.records(path)
    rows = found['row']
    vectors = torch.from_numpy(files.vectors_of(rows, header).copy())
    truth = torch.from_numpy(rows['label'].astype(np.int64))
    models, muxes = header['models'], header['muxes']
    ids = [m['id'] for m in models]
    local, cloud = (next(k for k, m in enumerate(models) if role in m['roles']) for role in ('local', 'cloud'))
    pair = rules.Outputs(torch.from_numpy(rows['score'][:, 0].copy()), vectors[:, len(ids)], vectors[:, local], vectors[:, cloud], truth)
    group = [ids.index(i) for i in muxes['group']['models']]
    costs = torch.tensor([float(models[k]['flops']) for k in group], dtype=torch.float64)
    outputs = GroupOutputs(*(torch.from_numpy(rows[name].copy()) for name in ('correct', 'weights')),
                           vectors[:, group].transpose(0, 1).contiguous(), truth, costs)
    config = SimpleNamespace(gap_share=0.98, upload_cost=4.0, mux=SimpleNamespace(offload_share=0.25))
    gate = json.loads((Path(zoo) / 'manifest.json').read_text(encoding='utf-8'))['policy'].get('gate')
    policy = calibrate.policy(config, pair, outputs, muxes['pair']['flops'] / models[local]['flops'], gate)
    policy.pop('gate', None)
    print(json.dumps(policy, indent=1))


if __name__ == '__main__':
    main(*sys.argv[1:])
