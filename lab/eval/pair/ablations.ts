/** Muxes of other losses, which a zoo ships to be compared: what they would do in the place of the zoo's own. */
import { Inference } from '../../../mux/inference/inference.js';
import { GROUP_MUX_ID, networkInput, type NetworkInput } from '../../../mux/zoo/input.js';
import type { Zoo } from '../../../mux/zoo/zoo.js';
import type { Bootstrap } from '../statistics/bootstrap.js';
import { aurocInterval } from './evaluate-pair.js';
import { applyGroupPolicy, groupOfMeasured, groupPoint } from '../group/group-run.js';
import {
  answered,
  groupReading,
  pairReading,
  sweep,
  type Measured,
  type OutputsOptions,
} from '../outputs/outputs.js';
import { groupNet, pairNet } from '../outputs/nets.js';
import { applyPolicy, pairOf, sharesOf, type Pair } from './pair.js';
import { offloading } from './pair-curves.js';
import type { AblationRow } from '../schema.js';

/** The paper's thresholds: of the pair's score, and T of Algorithm 2. */
const PAPER = { score: 0.5, threshold: 0.288 } as const;
/** The share of frames offloaded in the paper's hybrid, about. */
const OFFLOAD = 0.32;

/** What the networks of an ablation said of the test images, in the place of the zoo's own muxes. */
export interface MeasuredAblation {
  name: string;
  notes: string;
  zoo: Zoo;
  measured: Measured;
}

/** @param measured the zoo's own, whose models' outputs are used again */
export async function measureAblations(
  zoo: Zoo,
  measured: Measured,
  { providers, progress }: OutputsOptions,
): Promise<MeasuredAblation[]> {
  const found: MeasuredAblation[] = [];
  const { looked } = measured;
  if (!looked) return found;
  for (const { name, notes, mux } of zoo.manifest.ablations ?? []) {
    const theirs = withMux(zoo, mux);
    const inference = new Inference(
      {},
      {
        zoo: theirs,
        models: [],
        mux: mux.pair ? 'pair' : null,
        groupMux: mux.group !== undefined,
        providers,
        requireProvider: false,
        threads: 0,
        warmupRuns: 1,
      },
    );
    await inference.start();
    const run = async (net: ReturnType<typeof pairNet>) => {
      const { labels, classes } = measured;
      const tell = (what: string, part: number) => progress?.(`${name}: ${what}`, part);
      const { swept } = await sweep([net], looked.images, looked.which, theirs, tell);
      return { ...answered(swept[0] ?? {}, labels, classes), runMs: NaN };
    };
    try {
      const pairMux = mux.pair ? pairReading(mux.pair.flops, await run(pairNet(inference, theirs))) : null;
      const groupMux = mux.group ? groupReading(mux.group, await run(groupNet(inference, theirs))) : null;
      found.push({ name, notes, zoo: theirs, measured: { ...measured, pairMux, groupMux } });
    } finally {
      await inference.stop();
    }
  }
  return found;
}

/** The zoo with other muxes in the place of its own. */
function withMux(zoo: Zoo, mux: NonNullable<Zoo['manifest']['mux']>): Zoo {
  const manifest = { ...zoo.manifest, mux };
  const inputOf = (network: string): NetworkInput =>
    networkInput((network === GROUP_MUX_ID ? mux.group : mux.pair)?.input ?? manifest.input);
  return { ...zoo, manifest, muxPair: mux.pair ?? null, inputOf };
}

/** A row of the table of losses. */
export function ablationRow(ablation: MeasuredAblation, bootstrap: Bootstrap): AblationRow {
  const { name, notes, zoo, measured } = ablation;
  const pair = pairOf(zoo, measured);
  return {
    name,
    notes,
    pair: pair?.mux ? pairPart(pair, pair.mux.score, bootstrap) : null,
    group: groupPart(measured, bootstrap),
  };
}

function pairPart(pair: Pair, score: Float32Array, bootstrap: Bootstrap): AblationRow['pair'] {
  const half = applyPolicy(pair, 'mux', { mux: PAPER.score });
  const some = offloading(pair, 'mux', {}, OFFLOAD);
  const cascade = offloading(pair, 'cascade', {}, OFFLOAD);
  const wrong = pair.local.right.map((right) => 1 - right);
  return {
    auroc: aurocInterval(bootstrap, score, wrong),
    atHalf: {
      offloadShare: sharesOf(pair, half).offloadShare,
      accuracy: bootstrap.of([half.right], (accuracy) => accuracy),
    },
    atOffload: {
      offloadShare: OFFLOAD,
      accuracy: bootstrap.of([some.right], (accuracy) => accuracy),
      overCascade: bootstrap.of([some.right, cascade.right], (a, b) => a - b),
    },
  };
}

function groupPart(measured: Measured, bootstrap: Bootstrap): AblationRow['group'] {
  const group = groupOfMeasured(measured);
  if (!group) return null;
  const last = group.group.ids.length - 1;
  const setting = {
    mu: 0,
    threshold: PAPER.threshold,
    combine: true,
    exponents: group.group.ids.map(() => 1),
    escalate: { mu: 0, confidence: 1, ladder: [last] },
  };
  const outcome = applyGroupPolicy(group, { ...setting, mode: 'ensemble' }, true);
  const { flops, called } = groupPoint(group, outcome);
  return {
    threshold: PAPER.threshold,
    accuracy: bootstrap.of([outcome.right], (accuracy) => accuracy),
    flops,
    called,
    saving: Math.max(...group.group.flops) / flops,
  };
}
