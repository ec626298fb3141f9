"""Puts the muxes of a run beside those of a zoo, so that `edgemux eval` shows what another loss gives; nothing decides by them.

    npm run train -- --script ablate.py --from runs/paper-loss/zoo --zoo models/fashion-mnist --name "the paper's loss"
"""
import argparse
import json
import re
import shutil
import sys
from pathlib import Path

from config import TrainError
from export.graphs import file_entry
from export.zoo import write_json


def arguments(argv):
    parser = argparse.ArgumentParser(prog='ablate', description=__doc__.splitlines()[0])
    parser.add_argument('--from', dest='source', required=True, metavar='DIR', help='finished zoo of the run with the other loss')
    parser.add_argument('--zoo', required=True, metavar='DIR', help='zoo that gets them; one of the same name is replaced')
    parser.add_argument('--name', required=True, help='what the tables call it')
    return parser.parse_args(argv)


def main(argv):
    args = arguments(argv)
    source, target = Path(args.source), Path(args.zoo)
    theirs, ours = manifest_of(source), manifest_of(target)
    if {m['id']: m['sha256'] for m in theirs['models']} != {m['id']: m['sha256'] for m in ours['models']}:
        raise TrainError(f'{source} and {target} hold different models: their muxes cannot be compared')
    slug = re.sub(r'[^a-z0-9]+', '-', args.name.lower()).strip('-')
    muxes = {}
    for kind, entry in theirs['mux'].items():
        name = f'ablation-{slug}-{entry["file"]}'
        shutil.copyfile(source / entry['file'], target / name)
        muxes[kind] = {**entry, **file_entry(target, name)}
    others = [a for a in ours.get('ablations', []) if a['name'] != args.name]
    ours['ablations'] = [*others, {'name': args.name, 'notes': notes(theirs['training']), 'mux': muxes}]
    write_json(target / 'manifest.json', ours)
    print(f'{target}: {args.name}, {", ".join(muxes)}')


def manifest_of(folder):
    try:
        return json.loads((folder / 'manifest.json').read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise TrainError(f'no finished zoo in {folder}: {error}') from error


def notes(training):
    """How the muxes were trained, for people."""
    mux = training['settings']['mux']
    return (f'loss {mux["loss"]}, costs {mux["cost_form"]}, cost penalty {mux["cost_penalty"]}, {mux["epochs"]} epochs, seed '
            f'{training["seed"]}; {training["command"]}')


if __name__ == '__main__':
    try:
        main(sys.argv[1:])
    except TrainError as error:
        sys.exit(f'ablate: {error}')
