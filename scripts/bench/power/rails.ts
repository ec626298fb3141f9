/** Rails and loads of the power benchmarks. */
import { powerConfigSchema, type PowerConfig } from '../../../energy/config.js';
import type { LoadStep } from '../../../drivers/simulation/load.js';
import { seededRandom } from '../../../common/random.js';

export const BURST_MS = 5;
export const IDLE_W = 3.2;
export const BURST_W = 9.6;

/** Simulated rails of these names at 1 kHz; `sum`: the ones that frames are measured on. */
export function simulatedRails(names: readonly string[], sum: readonly string[] = names): PowerConfig {
  return powerConfigSchema.parse({
    simulate: true,
    sum,
    rails: names.map((name) => ({ kind: 'ina226', name, shuntOhms: 0.01 })),
  });
}

/** Steps of 1 to 80 ms between 1 and 15 W. */
export function varyingLoad(fromMs: number, toMs: number, seed: number): LoadStep[] {
  const random = seededRandom(seed);
  const steps: LoadStep[] = [];
  for (let tMs = fromMs; tMs < toMs; tMs += 1 + 79 * random()) {
    steps.push({ fromMs: tMs, powerW: 1 + 14 * random() });
  }
  return steps;
}

/** Bursts of 5 ms at random phase, 15 to 35 ms apart. */
export function bursts(
  fromMs: number,
  toMs: number,
  seed: number,
): { steps: LoadStep[]; startsMs: number[] } {
  const random = seededRandom(seed);
  const steps: LoadStep[] = [{ fromMs: 0, powerW: IDLE_W }];
  const startsMs: number[] = [];
  for (let tMs = fromMs; tMs + BURST_MS < toMs; tMs += BURST_MS + 15 + 20 * random()) {
    steps.push({ fromMs: tMs, powerW: BURST_W }, { fromMs: tMs + BURST_MS, powerW: IDLE_W });
    startsMs.push(tMs);
  }
  return { steps, startsMs };
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The error of a value against the truth in percent, without its sign. */
export function errorPercent(value: number, truth: number): number {
  return Math.abs(value / truth - 1) * 100;
}
