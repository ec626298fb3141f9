import { setTimeout as sleep } from 'node:timers/promises';

const PATIENCE_MS = 60_000;

/**
 * Waits until something holds. How long that takes says nothing: the limit is there so that a test ends which waits in vain.
 * @throws Error that names `what`, where it does not hold within `patienceMs`
 */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  patienceMs = PATIENCE_MS,
): Promise<true> {
  const giveUpAtMs = performance.now() + patienceMs;
  while (!(await holds())) {
    if (performance.now() > giveUpAtMs) throw new Error(`never happened: ${what}`);
    await sleep(5);
  }
  return true;
}
