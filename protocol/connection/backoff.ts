/** Shortest and longest pause between two attempts to connect, in milliseconds. */
export const MIN_PAUSE_MS = 100;
export const MAX_PAUSE_MS = 5000;

/**
 * The pause before the next attempt, in milliseconds: doubles with each failure, and is shortened by up to a
 * half at random so that many devices do not return in step.
 * @param failures attempts that failed in a row, from 0
 * @param random within [0, 1)
 */
export function pauseMs(failures: number, random: number): number {
  const longest = Math.min(MAX_PAUSE_MS, MIN_PAUSE_MS * 2 ** Math.min(failures + 1, 16));
  return Math.max(MIN_PAUSE_MS, longest * (1 - random / 2));
}
