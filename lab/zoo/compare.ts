/** Does a wrapped model answer as the original does, in batches too? */
import { basename } from 'node:path';
import { EdgemuxError } from '../../common/errors.js';
import { firstLine, type ProbeRun } from './probe.js';

export interface Comparison {
  /** Largest difference between the two forms, of log-probabilities. */
  difference: number;
  /** What another picture changes. */
  reaction: number;
  /** K probabilities of the golden image. */
  probabilities: Float32Array;
}

/**
 * Log-probabilities of two forms may differ by that share of what another picture changes: float32 sums in another
 * order change less, a wrong preprocessing more. A model that hardly looks at its picture proves little.
 */
const TOLERANCE = { share: 0.02, least: 1e-5, most: 1e-2 };
/** Smaller probabilities lose digits in float32. Down to it their logarithms differ as the logits do. */
const FLOOR = 1e-30;

/** Scores that were rounded to steps may fall on either side of one: their probabilities are compared, not logarithms. */
const COARSE = 0.01;

/** The model that is compared. */
export interface Compared {
  file: string;
  /** Size that the model was fixed to, or null. */
  batch: number | null;
  /** True where its scores are rounded to the steps of a quantisation. */
  coarse: boolean;
}

/**
 * The wrapped model on the golden image, on another one, and on both at once.
 *
 * @param run of the wrapped model
 * @param wanted K probabilities that the original gives for the golden image
 * @throws EdgemuxError MODEL_UNUSABLE where one of them is not what it should be
 */
export async function compare(
  { file, batch, coarse }: Compared,
  run: (runs: readonly ProbeRun[]) => Promise<Float32Array[]>,
  golden: Uint8Array,
  wanted: Float32Array,
): Promise<Comparison> {
  const classes = wanted.length;
  const other = Uint8Array.from(golden).reverse(); // slice() of a Buffer would be the same memory
  const stuck = (error: unknown): never => {
    throw fixedBatch(file, batch, firstLine(error));
  };
  const single = [golden, other].map((pixels) => ({ pixels, count: 1 }));
  const alone = run(single);
  const [one = wanted, second = wanted] = await (batch === null ? alone : alone.catch(stuck));
  const far = coarse ? farthestShare : farthest;
  const difference = far(wanted, one);
  const reaction = far(one, second);
  const least = coarse ? COARSE : TOLERANCE.least;
  const tolerance = Math.min(TOLERANCE.most, Math.max(least, TOLERANCE.share * reaction));
  if (!(difference <= tolerance)) throw differs(file, difference);
  const pair = [{ pixels: Buffer.concat([golden, other]), count: 2 }];
  const [both = wanted] = await run(pair).catch(stuck);
  const batched = Math.max(far(one, both.subarray(0, classes)), far(second, both.subarray(classes)));
  if (!(batched <= tolerance)) throw fixedBatch(file, batch, `differs by ${batched} in a batch`);
  return { difference, reaction, probabilities: one };
}

/** Largest |log p − log q| over the entries that matter in either. */
function farthest(a: Float32Array, b: Float32Array): number {
  const log = (value: number): number => Math.log(Math.max(value, FLOOR));
  return largest(a, b, (p, q) => Math.abs(log(p) - log(q)));
}

/** Largest |p − q|. */
function farthestShare(a: Float32Array, b: Float32Array): number {
  return largest(a, b, (p, q) => Math.abs(p - q));
}

function largest(a: Float32Array, b: Float32Array, between: (p: number, q: number) => number): number {
  if (a.length !== b.length) return Infinity;
  return a.reduce((most, value, i) => {
    const apart = between(value, b[i] ?? NaN);
    return Math.max(most, Number.isNaN(apart) ? Infinity : apart);
  }, 0);
}

function differs(file: string, difference: number): EdgemuxError {
  return new EdgemuxError(
    'MODEL_UNUSABLE',
    `${file}: with its preprocessing inside the graph it answers differently (by ${difference} in log-probability). ` +
      `This is a fault of the import: please report it with the model`,
  );
}

function fixedBatch(file: string, batch: number | null, why: string): EdgemuxError {
  const fixed = batch === null ? 'computes several images together' : `is fixed to a batch of ${batch}`;
  return new EdgemuxError(
    'MODEL_UNUSABLE',
    `${basename(file)} ${fixed} and cannot be freed here (${why}). Export it with a free first dim: ` +
      `torch.onnx.export(…, input_names=['x'], output_names=['y'], dynamic_axes={'x': {0: 'N'}, 'y': {0: 'N'}}); where it was, ` +
      `a number of images stands in its code: x.flatten(1) instead of x.view(1, -1)`,
  );
}
