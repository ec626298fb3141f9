/**
 * Made-up outputs at full scale: a labels file of so many images, models and classes, and a zoo that it is of, for the memory and
 * time of `edgemux calibrate --all` and `edgemux eval`. The zoo's networks are placeholders: nothing can be run with it.
 *
 *     node dist/scripts/bench/labels.js --out scale --images 50000 --models 6 --classes 1000
 */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { seededRandom } from '../../common/random.js';
import { softmax } from '../../mux/rules/probabilities.js';
import type { Manifest } from '../../mux/zoo/manifest.js';
import type { LabelRow, LabelsHeader } from '../../lab/zoo/labels/header.js';
import { labelRow, openLabels } from '../../lab/zoo/labels/write.js';

interface Scale {
  images: number;
  models: number;
  classes: number;
  seed: number;
}

/** Different backgrounds of small probabilities, which images take turns to have. */
const BACKGROUNDS = 257;
const ROWS = 100;
/** Multiply-accumulates of the cheapest model; each costs twice the one before. */
const FLOPS = 4e8;
const PLACEHOLDER = 'Made up by scripts/bench/labels.ts: no network.\n';

type Random = () => number;

/** Backgrounds of sum 1 with a long tail, as softmaxes have. */
function backgrounds(classes: number, random: Random): Float32Array[] {
  return Array.from({ length: BACKGROUNDS }, () =>
    softmax(Float64Array.from({ length: classes }, () => 6 * random() ** 2 - 4 * random())),
  );
}

/** A vector whose largest share is about `sure`, at the label with that chance, else anywhere. */
function vector(background: Float32Array, sure: number, label: number, random: Random): Float32Array {
  const found = background.map((share) => share * (1 - sure));
  const at = random() < sure ? label : Math.floor(random() * background.length);
  found[at] = (found[at] ?? 0) + sure;
  return found;
}

function* rows({ images, models, classes, seed }: Scale): Generator<LabelRow> {
  const random = seededRandom(seed);
  const tails = backgrounds(classes, random);
  const tail = (): Float32Array => tails[Math.floor(random() * BACKGROUNDS)] ?? new Float32Array(classes);
  for (let n = 0; n < images; n += 1) {
    const label = n % classes;
    const hard = random();
    const sure = Array.from({ length: models }, (_, m) => {
      const skill = 1 + (4 * m) / models;
      return 0.999 * (1 - hard ** skill * random() ** 0.5);
    });
    const correct = Float32Array.from(sure, (chance) => 0.8 * chance + 0.2 * random());
    yield labelRow(`val/${label}/${n}.jpg`, label, models, {
      probabilities: [...sure, (sure[0] ?? 0) * 0.8, (sure[0] ?? 0) * 0.8].map((chance) =>
        vector(tail(), chance, label, random),
      ),
      score: 0.7 * (1 - (sure[0] ?? 0)) + 0.3 * random(),
      correct,
      weights: softmax(correct.map((chance, m) => 4 * chance - (2 * m) / models)),
    });
  }
}

function headerOf({ models, classes }: Scale): LabelsHeader {
  const ids = Array.from({ length: models }, (_, m) => `model-${m}`);
  return {
    format: 'edgemux-labels',
    version: 1,
    labels: Array.from({ length: classes }, (_, k) => `class-${k}`),
    part: 'test',
    models: ids.map((id, m) => ({ id, flops: FLOPS * 2 ** m, roles: rolesOf(m, models) })),
    images: 'paths',
    muxes: { pair: { flops: FLOPS / 20 }, group: { flops: FLOPS / 15, models: ids } },
  };
}

function rolesOf(m: number, models: number): ('local' | 'cloud' | 'group')[] {
  if (m === 0) return ['local', 'group'];
  return m === models - 1 ? ['cloud', 'group'] : ['group'];
}

function manifestOf({ labels, models, muxes }: LabelsHeader): Manifest {
  const file = {
    file: 'placeholder.onnx',
    sha256: createHash('sha256').update(PLACEHOLDER).digest('hex'),
    bytes: Buffer.byteLength(PLACEHOLDER),
  };
  const mux = { ...file, architecture: 'none', accuracy: null, auroc: null };
  return {
    schema: 1,
    name: 'made-up',
    version: '1',
    licence: 'MIT',
    input: { height: 224, width: 224, channels: 3, layout: 'NHWC', dtype: 'uint8' },
    labels,
    models: models.map(({ id, flops }, m) => ({
      ...file,
      id,
      flops,
      roles: rolesOf(m, models.length),
      architecture: 'none',
      accuracy: null,
    })),
    mux: {
      pair: { ...mux, flops: muxes?.pair?.flops ?? 1 },
      group: { ...mux, flops: muxes?.group?.flops ?? 1, models: models.map(({ id }) => id) },
    },
    policy: { mode: 'mux', thresholds: { mux: 0.5 } },
  };
}

const text = (value: string) => ({ type: 'string', default: value }) as const;
const { values: given } = parseArgs({
  options: {
    out: text('scale'),
    images: text('50000'),
    models: text('6'),
    classes: text('1000'),
    seed: text('1'),
    top: { type: 'string' },
  },
});
const argv = {
  out: given.out,
  images: Number(given.images),
  models: Number(given.models),
  classes: Number(given.classes),
  seed: Number(given.seed),
  top: given.top === undefined ? null : Number(given.top),
};

const header = headerOf(argv);
const zoo = join(argv.out, 'zoo');
await mkdir(zoo, { recursive: true });
await writeFile(join(zoo, 'placeholder.onnx'), PLACEHOLDER);
await writeFile(join(zoo, 'manifest.json'), `${JSON.stringify(manifestOf(header), null, 1)}\n`);
const file = await openLabels(join(argv.out, 'outputs.labels'), header, {
  top: argv.top,
  longestName: 40,
});
let waiting: LabelRow[] = [];
for (const row of rows(argv)) {
  waiting.push(row);
  if (waiting.length < ROWS) continue;
  await file.append(waiting);
  waiting = [];
}
await file.append(waiting);
await file.close();
const shares = file.tally.right.map((right) => `${((100 * right) / argv.images).toFixed(1)} %`);
process.stdout.write(`${argv.images} images in ${argv.out}/outputs.labels; right: ${shares.join(', ')}\n`);
