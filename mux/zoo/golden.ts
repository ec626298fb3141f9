/** A zoo's golden answers, as the trainer wrote them, against what the loaded networks say here. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { fail, pass, skip, type Verdict } from '../../common/doctor/checks.js';
import { EdgemuxError } from '../../common/errors.js';
import type { Provider } from '../config.js';
import type { Inference, InferenceOptions } from '../inference/inference.js';
import { policyFromManifest } from '../rules/policy-settings.js';
import { GROUP_MUX_ID, inputBytes, inputKey, MUX_ID } from './input.js';
import type { Zoo } from './zoo.js';

const values = z.array(z.number());
/** `golden.json` of a zoo: networks by what they are, K probabilities each; weights are eq. 6's. */
export const goldenSchema = z.object({
  images: z
    .array(
      z.object({
        index: z.int(),
        /** As the zoo's own `input` has them. */
        pixels: z.base64(),
        /** Of each network that has an input of its own, a model by its id, a mux by `MUX_ID` or `GROUP_MUX_ID`. */
        inputs: z.record(z.string(), z.base64()).optional(),
        models: z.record(z.string(), values),
        mux: z.object({ score: z.number(), probabilities: values }),
        group: z.object({ correct: values, weights: values }).optional(),
        decision: z.enum(['mux', 'local', 'offload']).optional(),
      }),
    )
    .min(1),
});
export type GoldenImage = z.infer<typeof goldenSchema>['images'][number];

/** Float32 sums in another order; a GPU's kernels differ more. */
const TOLERANCE: Record<Provider, number> = { cpu: 1e-4, cuda: 2e-3, tensorrt: 2e-3 };

/** @throws Error where the file is not what the trainer writes */
export async function loadGolden(zoo: Zoo): Promise<GoldenImage[]> {
  const file = zoo.manifest.golden?.file;
  if (file === undefined) return [];
  return goldenSchema.parse(JSON.parse(await readFile(zoo.path(file), 'utf8'))).images;
}

/**
 * What a network sees of a golden image. Stored, and not prepared here: another resizing must not look like another network.
 * @throws EdgemuxError ZOO_INVALID where the file lacks them
 */
export function goldenPixels(zoo: Zoo, { index, inputs, pixels }: GoldenImage, network: string): Uint8Array {
  const input = zoo.inputOf(network);
  const own = inputs?.[network] ?? (inputKey(input) === inputKey(zoo.input) ? pixels : undefined);
  const found = Buffer.from(own ?? '', 'base64');
  if (found.length === inputBytes(input)) return found;
  throw new EdgemuxError(
    'ZOO_INVALID',
    `golden image ${index} has ${found.length} bytes of pixels for ${network}, which takes ${inputBytes(input)}: ` +
      'a network with an input of its own needs them under `inputs`',
  );
}

/** Every loaded network on every golden image, and the zoo's own rule where the device's networks are loaded. */
export async function goldenVerdict(
  zoo: Zoo,
  inference: Inference,
  options: Omit<InferenceOptions, 'zoo'>,
  provider: Provider,
): Promise<Verdict> {
  const images = await loadGolden(zoo);
  if (images.length === 0) return skip(`zoo ${zoo.name} has no golden answers`);
  const tolerance = TOLERANCE[provider];
  let farthest = 0;
  for (const image of images) {
    for (const [network, difference] of await differences(zoo, image, inference, options)) {
      farthest = Math.max(farthest, difference);
      if (!(difference <= tolerance)) {
        return fail(
          `${network} on golden image ${image.index} is ${difference.toPrecision(2)} off on ${provider}`,
          'this provider computes something else: set inference.providers to [cpu] and report it',
        );
      }
    }
    const wrong = await wrongDecision(zoo, image, inference, options);
    if (wrong !== null)
      return fail(wrong, 'this provider computes something else: set inference.providers to [cpu]');
  }
  return pass(`${images.length} images, all answers within ${farthest.toPrecision(2)} on ${provider}`);
}

type Loaded = Omit<InferenceOptions, 'zoo'>;

async function differences(
  zoo: Zoo,
  image: GoldenImage,
  inference: Inference,
  { models, mux, groupMux }: Loaded,
): Promise<[string, number][]> {
  const pixelsOf = (network: string): Uint8Array => goldenPixels(zoo, image, network);
  const found: [string, number][] = [];
  for (const id of models) {
    const { probabilities } = await inference.classify(id, pixelsOf(id));
    found.push([id, distance(probabilities, image.models[id])]);
  }
  if (mux === 'pair') {
    const pixels = pixelsOf(MUX_ID);
    const { scores, probabilities } = await inference.infer({ kind: 'mux', pixels, count: 1 });
    found.push([
      'the mux',
      Math.max(distance(scores, [image.mux.score]), distance(probabilities, image.mux.probabilities)),
    ]);
  }
  if (groupMux === true && image.group) {
    const pixels = pixelsOf(GROUP_MUX_ID);
    const { correct, weights } = await inference.infer({ kind: 'group-mux', pixels, count: 1 });
    found.push([
      "the group's mux",
      Math.max(distance(correct, image.group.correct), distance(weights, image.group.weights)),
    ]);
  }
  return found;
}

/** What is wrong with the decision of the shipped rule; null where nothing is, or nothing is said about it. */
async function wrongDecision(
  zoo: Zoo,
  image: GoldenImage,
  inference: Inference,
  { models, mux }: Loaded,
): Promise<string | null> {
  if (image.decision === undefined || mux !== 'pair' || !zoo.local || !models.includes(zoo.local.id))
    return null;
  const policy = policyFromManifest(zoo);
  const local = zoo.local.id;
  const pixels = {
    mux: async () => goldenPixels(zoo, image, MUX_ID),
    local: async () => goldenPixels(zoo, image, local),
  };
  const { decision } = await inference.decide(pixels, policy);
  if (decision === image.decision) return null;
  return `golden image ${image.index} is decided '${decision}' instead of '${image.decision}'`;
}

/** Largest difference; Infinity where something is missing. */
function distance(found: ArrayLike<number>, wanted: readonly number[] | undefined): number {
  if (wanted === undefined || wanted.length !== found.length) return Infinity;
  return wanted.reduce((most, value, k) => Math.max(most, Math.abs(value - (found[k] ?? Infinity))), 0);
}
