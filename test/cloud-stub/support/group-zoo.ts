/** A group of three networks over 2 x 2 images that a test can compute by hand, with its mux and calibration. */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { seededRandom } from '../../../common/random.js';
import { nextStep } from '../../../mux/rules/group.js';
import { groupOf, groupPolicyOf, type GroupPatch } from '../../../mux/rules/group-settings.js';
import { encodePng } from '../../../mux/image/image.js';
import { argmax, type Vector } from '../../../mux/rules/probabilities.js';
import { loadZoo, type Zoo } from '../../../mux/zoo/zoo.js';
import { FLOAT, node, onnxModel, tensorInfo, type Graph } from '../../mux/support/onnx.js';
import { IMAGES, linear, PROBABILITIES, writeTinyZoo } from '../../mux/support/tiny-zoo.js';
import { cpuInference, row } from '../../mux/support/zoos.js';

const s = 1 / 64;
const CLASSES = linear([s, 0, 0, 0, s, 0, 0, 0, s, 0, 0, 0]);
/** correct = sigmoid of the first three pixels / 64, weights = their softmax. */
const GROUP_MUX: Graph = {
  nodes: [
    ...CLASSES.nodes,
    node('Sigmoid', ['z'], 'correct'),
    node('Softmax', ['z'], 'weights', { axis: 1 }),
  ],
  initializers: CLASSES.initializers,
  inputs: [IMAGES],
  outputs: [tensorInfo('correct', FLOAT, ['N', 3]), tensorInfo('weights', FLOAT, ['N', 3]), PROBABILITIES],
};
const MIDDLE = linear([0, s, 0, 0, 0, s, s, 0, 0, 0, 0, s]);

export interface GroupZooOptions {
  version?: string;
  mode?: string;
  name?: string;
}

/** Writes the zoo; its models are `small`, `fragile` (a plain linear one here) and `big`. */
export async function writeGroupZoo(dir: string, options: GroupZooOptions = {}): Promise<string> {
  const { version = '1', mode = 'escalate', name = 'tiny' } = options;
  const bytes = onnxModel(GROUP_MUX);
  const file = { file: 'mux-group.onnx', sha256: createHash('sha256').update(bytes).digest('hex') };
  await writeTinyZoo(
    dir,
    (manifest) => {
      manifest['name'] = name;
      manifest['version'] = version;
      manifest['mux'] = {
        ...(manifest['mux'] as object),
        group: {
          ...file,
          bytes: bytes.length,
          architecture: 'linear',
          flops: 16,
          accuracy: null,
          auroc: null,
          models: ['small', 'fragile', 'big'],
        },
      };
      const policy = manifest['policy'] as { calibration: Record<string, unknown> };
      policy.calibration['group'] = {
        policy: mode,
        mu: 0.3,
        threshold: 0.35,
        exponents: [1, 0.5, 2],
        escalate: { mu: 0.2, confidence: 0.6, ladder: [0, 2] },
      };
    },
    { 'fragile.onnx': MIDDLE },
  );
  await writeFile(join(dir, 'mux-group.onnx'), bytes);
  return dir;
}

/** `count` random 2 x 2 images, as pixels and as PNG. The same each time. */
export async function tinyImages(count: number): Promise<{ pixels: Uint8Array; png: Uint8Array }[]> {
  const random = seededRandom(7);
  const shape = { height: 2, width: 2, channels: 1 } as const;
  const all = Array.from({ length: count }, () =>
    Uint8Array.from({ length: 4 }, () => Math.floor(random() * 256)),
  );
  return Promise.all(all.map(async (pixels) => ({ pixels, png: await encodePng(pixels, shape) })));
}

export interface Expected {
  models: string[];
  classIndex: number;
  probabilities: Vector;
}

/** What a policy says of each image, computed without a server: every network once over all images. */
export async function offline(
  zoo: Zoo,
  patch: GroupPatch,
  images: readonly Uint8Array[],
): Promise<Expected[]> {
  const group = groupOf(zoo);
  const inference = cpuInference(zoo, { models: group.ids, mux: null, groupMux: true });
  await inference.start();
  const [pixels, count] = [Buffer.concat(images), images.length];
  const mux = await inference.infer({ kind: 'group-mux', pixels, count });
  const outputs = new Map<string, Float32Array>();
  for (const id of group.ids) outputs.set(id, (await inference.classify(id, pixels, count)).probabilities);
  await inference.stop();
  const policy = groupPolicyOf(zoo, patch);
  const size = group.ids.length;
  return images.map((_, i) => {
    const reading = { correct: row(mux.correct, i, size), weights: row(mux.weights, i, size) };
    const known = new Map<string, Vector>();
    let step = nextStep(group, policy, reading, known);
    while (step.kind === 'run') {
      for (const id of step.models) known.set(id, row(outputs.get(id)!, i, zoo.classes));
      step = nextStep(group, policy, reading, known);
    }
    const { probabilities } = step;
    return { models: [...known.keys()], classIndex: argmax(probabilities), probabilities };
  });
}

export const loadGroupZoo = async (dir: string): Promise<Zoo> => loadZoo(dir);
