/** The confidence below which a cascade asks the server, from labelled images. */
import { EdgemuxError, messageOf } from '../../common/errors.js';
import { Inference } from '../../mux/inference/inference.js';
import { argmax, maximum } from '../../mux/rules/probabilities.js';
import type { Zoo } from '../../mux/zoo/zoo.js';
import { judge, type JudgeDeps } from './judge.js';
import { folderImages, type LabelledImages } from './labelled.js';
import { Suspicions } from './suspicions.js';

/** Share of the way from the local model's accuracy to the cloud's that the cascade is to reach; the trainer's too. */
const GAP_SHARE = 0.98;

/** One image of the calibration. */
export interface Answered {
  /** Largest probability of the local model. */
  confidence: number;
  localRight: boolean;
  cloudRight: boolean;
}

/** What stands in the manifest; accuracies and shares in [0, 1]. */
export interface Calibrated {
  confidence: number;
  images: number;
  gapShare: number;
  localAccuracy: number;
  cloudAccuracy: number;
  cascadeAccuracy: number;
  offloadShare: number;
}

/**
 * The least confidence, and with it the fewest offloads, with which the cascade goes `gapShare` of the way from
 * local to cloud accuracy. 0 where the cloud model is not better.
 *
 * @param rows at least one
 */
export function chooseConfidence(rows: readonly Answered[], gapShare = GAP_SHARE): Calibrated {
  const count = rows.length;
  const share = (holds: (row: Answered) => boolean) => rows.filter(holds).length / count;
  const localAccuracy = share((row) => row.localRight);
  const cloudAccuracy = share((row) => row.cloudRight);
  const target = localAccuracy + gapShare * (cloudAccuracy - localAccuracy);
  const sorted = [...rows].sort((a, b) => a.confidence - b.confidence);
  let right = count * localAccuracy;
  let offloaded = 0;
  // Offload one more of the least sure until the target is met; images of one confidence go together.
  while (cloudAccuracy > localAccuracy && right / count < target - 1e-12 && offloaded < count) {
    const level = sorted[offloaded]?.confidence ?? 1;
    if (level >= 1) break; // no threshold offloads what is as sure as can be
    for (; offloaded < count && sorted[offloaded]?.confidence === level; offloaded += 1) {
      const row = sorted[offloaded];
      right += Number(row?.cloudRight) - Number(row?.localRight);
    }
  }
  return {
    confidence: between(sorted[offloaded - 1]?.confidence, sorted[offloaded]?.confidence),
    images: count,
    gapShare,
    localAccuracy,
    cloudAccuracy,
    cascadeAccuracy: right / count,
    offloadShare: offloaded / count,
  };
}

/** A threshold above the last offloaded confidence, and at most the first kept one; short where there is room. */
function between(last: number | undefined, first: number | undefined): number {
  if (last === undefined) return 0;
  if (first === undefined) return 1;
  const middle = (last + first) / 2;
  const short = Number(middle.toPrecision(4));
  return short > last && short <= first ? short : middle;
}

/**
 * Runs the local and the dearest cloud model over a folder of labelled images.
 *
 * @throws EdgemuxError CONFIG_INVALID for a folder without usable images
 */
export async function calibrate(
  zoo: Zoo,
  dir: string,
  { write }: { write: (text: string) => void },
): Promise<Calibrated> {
  const images = await folderImages(zoo, dir);
  if (images.note !== null) write(`note: ${images.note}\n`);
  const { rows, unreadable, warnings } = await answers(zoo, images);
  for (const line of unreadable.slice(0, 5)) write(`note: left out ${line}\n`);
  if (unreadable.length > 5) write(`note: left out ${unreadable.length} images in all\n`);
  if (rows.length === 0)
    throw new EdgemuxError('CONFIG_INVALID', `--calibrate: no image of ${dir} could be used`);
  for (const line of warnings) write(`warning: ${line}\n`);
  return chooseConfidence(rows);
}

async function answers(
  zoo: Zoo,
  images: LabelledImages,
): Promise<{ rows: Answered[]; unreadable: string[]; warnings: string[] }> {
  const models = bothModels(zoo);
  const suspicions = new Suspicions(models, zoo.classes);
  const rows: Answered[] = [];
  const unreadable: string[] = [];
  const inference = new Inference({}, cpuOptions(zoo, models));
  await inference.start();
  try {
    const deps: JudgeDeps = {
      inference,
      images,
      stopped: () => false,
      failed: (index, why) => unreadable.push(`${images.key(index)}: ${messageOf(why)}`),
      judged: ({ label, probabilities }) => {
        const [mine = [], other = []] = probabilities;
        suspicions.add(label, probabilities);
        const right = { localRight: argmax(mine) === label, cloudRight: argmax(other) === label };
        rows.push({ confidence: maximum(mine), ...right });
      },
    };
    await judge(
      deps,
      zoo,
      models,
      Array.from({ length: images.count }, (_, i) => i),
    );
  } finally {
    await inference.stop();
  }
  return { rows, unreadable, warnings: suspicions.warnings() };
}

/** Ids of the local model and of the dearest of the cloud models. */
function bothModels(zoo: Zoo): [string, string] {
  const clouds = zoo.manifest.models.filter(({ roles }) => roles.includes('cloud'));
  const dearest = clouds.reduce(
    (best, model) => (model.flops > best.flops ? model : best),
    clouds[0] ?? zoo.largest,
  );
  return [zoo.local?.id ?? zoo.largest.id, dearest.id];
}

function cpuOptions(zoo: Zoo, models: string[]): ConstructorParameters<typeof Inference>[1] {
  return { zoo, models, mux: null, providers: ['cpu'], requireProvider: true, threads: 0, warmupRuns: 3 };
}
