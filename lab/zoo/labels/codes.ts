/**
 * A probability as two bytes: the float16 (IEEE 754 binary16) of its natural logarithm. float16 of the probability itself has
 * steps of 0.0005 below 1, where thresholds lie, and nothing below 6e-8; of the logarithm it keeps 1 − p and p to
 * 0.05 % of the logarithm each. Any reader of float16 can take it: p = exp(code).
 */
import { argmax, type Vector } from '../../../mux/rules/probabilities.js';

/** Smallest probability that is told from 0: as the rules' own floor. */
export const LEAST = 1e-12;

const SIGN = 0x8000;
const MAGNITUDES = 0x8000;
/** Smallest magnitude of a float16 with all its digits; below, steps of 2^-24. */
const NORMAL = 2 ** -14;
const STEP = 2 ** 24;

/** By magnitude code: float16 as a number. */
const NUMBERS = Float64Array.from({ length: MAGNITUDES }, (_, code) => {
  const [exponent, fraction] = [code >> 10, code & 0x3ff];
  if (exponent === 0x1f) return Infinity;
  return exponent === 0 ? fraction / STEP : (1 + fraction / 1024) * 2 ** (exponent - 15);
});
/** By magnitude code: the probability. */
const PROBABILITIES = Float32Array.from(NUMBERS, (number) => Math.exp(-number));

const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

/** The code of a share in [0, 1]. */
export function codeOf(share: number): number {
  const magnitude = Math.max(0, -Math.log(Math.max(LEAST, share)));
  if (magnitude < NORMAL) return SIGN | Math.round(magnitude * STEP);
  scratch[0] = magnitude;
  const bits = (scratchBits[0] ?? 0) - (112 << 23);
  return SIGN | ((bits + 0xfff + ((bits >> 13) & 1)) >> 13); // to nearest, even on a tie
}

export function probabilityOf(code: number): number {
  return PROBABILITIES[code & ~SIGN] ?? 0;
}

/**
 * Codes of K probabilities. The first largest of them stays the first largest: what rounds to the same code before it goes a
 * step down, so that the answer of the model is the answer of the file.
 *
 * @param codes K places
 */
export function encode(probabilities: Vector, codes: Uint16Array): void {
  for (let k = 0; k < codes.length; k += 1) codes[k] = codeOf(probabilities[k] ?? 0);
  const top = argmax(probabilities);
  const best = codes[top] ?? SIGN;
  for (let k = 0; k < top; k += 1) if ((codes[k] ?? 0) <= best) codes[k] = best + 1;
}

/** K probabilities of K codes. */
export function decode(codes: Uint16Array, probabilities: Float32Array): void {
  for (let k = 0; k < codes.length; k += 1) probabilities[k] = PROBABILITIES[(codes[k] ?? 0) & ~SIGN] ?? 0;
}
