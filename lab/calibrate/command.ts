/** `edgemux calibrate`: the threshold for a budget, with the interval that other frames will keep to. */
import { readFile, writeFile } from 'node:fs/promises';
import { editYaml } from '../../common/config/edit.js';
import { EdgemuxError } from '../../common/errors.js';
import { EXIT } from '../../common/exit.js';
import { RANKED_MODES, type RankedMode } from '../../mux/rules/policies/registry.js';
import type { LastThreshold } from '../../mux/rules/policies/rule.js';
import { loadZoo, type Zoo } from '../../mux/zoo/zoo.js';
import { JournalReader } from '../../journal/reader.js';
import { parseResult, type Result } from '../../protocol/messages.js';
import { measuredFromLabels } from '../eval/outputs/from-labels.js';
import { readLabels } from '../zoo/labels/read.js';
import { calibrateAll } from './all.js';
import { coverage } from './check.js';
import { choose } from './choose.js';
import { curveOf, type CalibrationRow, type RouteCosts } from './curve.js';
import { labelRows } from './label-rows.js';
import type { CalibrateOptions } from './options.js';
import { campaignCosts, resultCosts, resultRows } from './route-costs.js';
import { choiceText, coverageText, curveText, diffText, type Change } from './text.js';
import { lastThreshold, measuredRows, zooRows } from './zoo-rows.js';

interface Frames {
  rows: CalibrationRow[];
  costs: RouteCosts | null;
  from: string;
}

/** What the device's configuration says of its policy today; null: the zoo's. */
export interface ConfiguredPolicy {
  mode: string;
  threshold: number | null;
  confidence: number | null;
  gain: number | null;
}

/**
 * Returns the exit code: 1 where no threshold fits the budget.
 * @param policyOf reads the policy of a configuration file; null: of the environment alone
 */
export async function runCalibrate(
  options: CalibrateOptions,
  policyOf: (configFile: string | null) => ConfiguredPolicy,
  write: (text: string) => void = (text) => process.stdout.write(text),
): Promise<number> {
  const zoo = await loadZoo(options.zooDir);
  if (options.all !== null) return calibrateAll(zoo, options.all, options, write);
  const mode = await modeOf(options, zoo);
  const { rows, costs, from } = await framesOf(options, zoo, mode);
  assertKnown(options, { rows, costs, from });
  const last = lastThreshold(zoo, mode);
  const curve = curveOf(rows, costs);
  write(`${mode}, ${rows.length} frames ${from}${costs ? `; costs from ${costs.source}` : ''}\n\n`);
  write(`${curveText(curve, last, costs)}\n\n`);
  if (options.check > 0)
    write(`${coverageText(coverage(rows, options.budget, costs, checkOf(options)))}\n\n`);
  const choice = choose(rows, options.budget, costs);
  if (!choice) {
    write('no threshold of this policy fits the budget\n');
    return EXIT.failure;
  }
  const changes = changesOf(policyOf(options.configFile), mode, last.name, last.valueOf(choice.point.cut));
  write(`${choiceText(choice, last, costs)}\n\n${diffText(changes)}\n`);
  if (options.apply && options.configFile !== null) {
    await apply(options.configFile, changes);
    write(`written to ${options.configFile}; the daemon reads it at its next start\n`);
  }
  return EXIT.ok;
}

function checkOf({ check, seed }: CalibrateOptions): { halves: number; seed: number } {
  return { halves: check, seed };
}

/** What a source can tell of: labels without the mux's of the models alone, a journal of the mux alone. */
async function modeOf({ mode, source }: CalibrateOptions, zoo: Zoo): Promise<RankedMode> {
  const only = await onlyMode(source);
  const wanted = mode ?? only ?? RANKED_MODES.find((one) => one === zoo.manifest.policy.mode) ?? 'mux';
  if (only === null || wanted === only) return wanted;
  const what =
    source?.kind === 'labels'
      ? 'the labels file holds no mux scores; edgemux label --mux writes them'
      : 'a journal holds mux scores only';
  throw new EdgemuxError(
    'CONFIG_INVALID',
    `--mode ${wanted} cannot be set from there: ${what} (--mode ${only})`,
  );
}

/** The one mode that a source can set; null: any. */
async function onlyMode(source: CalibrateOptions['source']): Promise<RankedMode | null> {
  if (source === null) return null;
  if (source.kind === 'journal') return 'mux';
  return (await readLabels(source.file)).header.muxes?.pair ? null : 'cascade';
}

async function framesOf(options: CalibrateOptions, zoo: Zoo, mode: RankedMode): Promise<Frames> {
  const { source, campaign } = options;
  const measured = campaign === null ? null : campaignCosts(campaign);
  if (source === null) {
    return {
      rows: await zooRows(zoo, mode, options),
      costs: measured,
      from: `of ${options.images ?? `zoo ${zoo.name}`}`,
    };
  }
  if (source.kind === 'labels') {
    const rows =
      mode === 'cascade'
        ? await labelRows(source.file)
        : measuredRows(zoo, mode, await measuredFromLabels(zoo, source.file));
    return { rows, costs: measured, from: `of ${source.file}` };
  }
  const { results, unreadable } = journaled(source.dir);
  const ofZoo = results.filter((result) => result.zoo === zoo.name);
  const passed = unreadable === 0 ? '' : ` (${unreadable} more rows are no results of this version)`;
  return {
    rows: resultRows(ofZoo),
    costs: measured ?? resultCosts(ofZoo, `the journal in ${source.dir}`),
    from: `of the journal in ${source.dir}${passed}`,
  };
}

/** All results of a daemon's journal, and how many rows are none. @throws EdgemuxError JOURNAL_FAILED */
function journaled(dir: string): { results: Result[]; unreadable: number } {
  const reader = new JournalReader(dir, parseResult);
  try {
    const results = [...reader.results()].map(({ result }) => result);
    return { results, unreadable: reader.unreadable };
  } finally {
    reader.close();
  }
}

/** @throws EdgemuxError CONFIG_INVALID where nothing is known of what the budget bounds */
function assertKnown({ budget }: CalibrateOptions, { rows, costs, from }: Frames): void {
  const missing = (flag: string, remedy: string): EdgemuxError =>
    new EdgemuxError('CONFIG_INVALID', `--${flag}: ${remedy}`);
  if (rows.length < 20)
    throw missing('journal', `${rows.length} usable frames ${from} are too few: at least 20`);
  if (budget.accuracy !== null && rows.some(({ keepRight }) => keepRight === null)) {
    throw missing('accuracy', 'nobody labelled the frames of a journal; take --labels, or the zoo');
  }
  if (budget.energyJ !== null && !costs?.energyJ) {
    throw missing(
      'energy',
      'no energies of kept and offloaded frames are known: name a --campaign that has them',
    );
  }
  if (budget.p95Ms !== null && !costs?.latencyMs) {
    throw missing(
      'p95',
      'no latencies of kept and offloaded frames are known: name a --campaign that has them',
    );
  }
}

function changesOf(
  policy: ConfiguredPolicy,
  mode: RankedMode,
  threshold: LastThreshold,
  value: number,
): Change[] {
  const path = threshold === 'mux' ? 'policy.threshold' : `policy.${threshold}`;
  const before = { mux: policy.threshold, confidence: policy.confidence, gain: policy.gain }[threshold];
  return [
    { path: 'policy.mode', before: policy.mode, after: mode },
    { path, before, after: value },
  ];
}

async function apply(file: string, changes: readonly Change[]): Promise<void> {
  const text = await readFile(file, 'utf8');
  const values = Object.fromEntries(changes.map(({ path, after }) => [path, after]));
  await writeFile(file, editYaml(text, values));
}
