import { setTimeout as sleep } from 'node:timers/promises';
import type { Rig } from '../support/rig.js';
import { until } from '../../support/until.js';

export { sleep, until };

export const CAMERAS = ['cam-1', 'cam-2', 'cam-3', 'cam-4'] as const;
/** Frames a second: less than any machine can do that runs these tests. */
export const RATE = 40;

/** Device and server run, and have met. */
export async function bothUp(rig: Rig): Promise<void> {
  await rig.startAgent();
  await rig.startServer();
}

/** Frames come at a steady rate from now on. */
export function stream(rig: Rig, rate = RATE): void {
  rig.cameras.start({ rate, cameras: CAMERAS });
}

/** Frames come for so long. */
export async function streamFor(rig: Rig, seconds: number, rate = RATE): Promise<void> {
  stream(rig, rate);
  await sleep(seconds * 1000);
  rig.cameras.stop();
}

/** Waits for `n` more results than there are now. */
export function moreResults(rig: Rig, n: number, patienceMs = 60_000): Promise<boolean> {
  const wanted = results(rig) + n;
  return until(`${n} more results`, () => results(rig) >= wanted, patienceMs);
}

export function results(rig: Rig): number {
  return rig.accountant.lives.reduce((total, { answered }) => total + answered, 0);
}

/** Waits until `n` more frames took this route. */
export function moreOf(rig: Rig, route: string, n: number): Promise<boolean> {
  const wanted = (rig.accountant.routes[route] ?? 0) + n;
  return until(`${n} more results by ${route}`, () => (rig.accountant.routes[route] ?? 0) >= wanted);
}

/** What the device had counted when it last spoke. */
export function counter(
  rig: Rig,
  name: 'lateAnswers' | 'badAnswers' | 'foreignAnswers' | 'admitted' | 'received',
): number {
  return rig.accountant.state?.counters[name] ?? 0;
}
