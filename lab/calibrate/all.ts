/** `edgemux calibrate --all`: the thresholds of every mode and the group's policy, for the zoo's manifest. */
import { readFile, writeFile } from 'node:fs/promises';
import { EdgemuxError } from '../../common/errors.js';
import { EXIT } from '../../common/exit.js';
import type { Zoo } from '../../mux/zoo/zoo.js';
import { columns } from '../columns.js';
import { groupOfMeasured } from '../eval/group/group-run.js';
import { measuredFromLabels } from '../eval/outputs/from-labels.js';
import { measure, type Measured } from '../eval/outputs/outputs.js';
import { pairOf } from '../eval/pair/pair.js';
import type { CalibrateOptions } from './options.js';
import { searchPolicy, type SearchedPolicy } from './search/policy.js';

/** An upload in local runs, where nobody says otherwise. */
const USUAL_UPLOAD = 4;

/** @throws EdgemuxError ZOO_INVALID where the zoo has no pair; CONFIG_INVALID where outputs of its muxes are missing */
export async function calibrateAll(
  zoo: Zoo,
  { gapShare, upload }: NonNullable<CalibrateOptions['all']>,
  options: Pick<CalibrateOptions, 'source' | 'images' | 'limit' | 'providers' | 'apply'>,
  write: (text: string) => void,
): Promise<number> {
  const measured = await outputsOf(zoo, options);
  assertMuxes(zoo, measured);
  const pair = pairOf(zoo, measured);
  if (!pair) throw new EdgemuxError('ZOO_INVALID', `zoo ${zoo.name} has no local and no other cloud model`);
  const policy = searchPolicy(pair, groupOfMeasured(measured), {
    gapShare,
    upload: upload ?? uploadOf(zoo) ?? USUAL_UPLOAD,
  });
  write(`${allText(policy)}\n`);
  if (!options.apply) return EXIT.ok;
  const file = zoo.path('manifest.json');
  const manifest = JSON.parse(await readFile(file, 'utf8')) as Manifest;
  await writeFile(file, `${JSON.stringify(withPolicy(manifest, policy), null, 1)}\n`);
  write(`written to ${file}; device and server take it at their next start\n`);
  return EXIT.ok;
}

function outputsOf(
  zoo: Zoo,
  { source, images, limit, providers }: Pick<CalibrateOptions, 'source' | 'images' | 'limit' | 'providers'>,
): Promise<Measured> {
  if (source?.kind === 'labels') return measuredFromLabels(zoo, source.file);
  return measure(zoo, { images, limit, providers });
}

/** Without its muxes' outputs a zoo would lose the policies that ask them. */
function assertMuxes({ manifest, name }: Zoo, { pairMux, groupMux }: Measured): void {
  const { pair, group } = manifest.mux ?? {};
  if ((!pair || pairMux) && (!group || groupMux)) return;
  throw new EdgemuxError(
    'CONFIG_INVALID',
    `--labels: the file lacks outputs of the muxes of zoo '${name}': edgemux label --mux writes them`,
  );
}

/** What the zoo was calibrated with before. */
function uploadOf({ manifest }: Zoo): number | null {
  const costs: unknown = manifest.policy.calibration?.['costs'];
  if (typeof costs !== 'object' || costs === null || !('upload' in costs)) return null;
  return typeof costs.upload === 'number' ? costs.upload : null;
}

interface Manifest {
  policy: { calibration?: Record<string, unknown>; [key: string]: unknown };
  [key: string]: unknown;
}

/** The manifest with the policy in it; what else it knows of its calibration (temperatures, the gate) stays. */
function withPolicy(manifest: Manifest, { calibration, ...chosen }: SearchedPolicy): Manifest {
  const { policy } = manifest;
  return {
    ...manifest,
    policy: { ...policy, ...chosen, calibration: { ...policy.calibration, ...calibration } },
  };
}

/** A table of the modes, and one of the group. */
function allText({ mode, calibration: { images, target, costs, modes, group } }: SearchedPolicy): string {
  const share = (value: number) => `${(value * 100).toFixed(2)} %`;
  const rows = Object.entries(modes).map(([name, row]) => [
    name === mode ? `${name} *` : name,
    Object.entries(row.thresholds)
      .map(([threshold, value]) => `${threshold} ${value}`)
      .join(', '),
    share(row.accuracy),
    share(row.offloadShare),
    row.cost.toFixed(3),
  ]);
  const head = ['mode', 'thresholds', 'accuracy', 'offloaded', 'cost'];
  const said = [
    `${images} images; ${target}; a mux run ${costs.mux} and an upload ${costs.upload} local runs`,
    columns([head, ...rows], 'left'),
    `* cheapest: the zoo's own mode`,
  ];
  if (!group) return said.join('\n');
  const settings = (row: object) =>
    ['mu', 'threshold', 'confidence', 'ladder']
      .flatMap((name) =>
        name in row ? [`${name} ${JSON.stringify((row as Record<string, unknown>)[name])}`] : [],
      )
      .join(', ');
  const table = group.targets.map((row) => [
    row.policy,
    `${row.saving} times fewer`,
    settings(row),
    typeof row['accuracy'] === 'number' ? share(row['accuracy']) : '',
  ]);
  return [
    ...said,
    `group: ${group.policy}`,
    columns([['policy', 'FLOPs', 'settings', 'accuracy'], ...table], 'left'),
  ].join('\n');
}
