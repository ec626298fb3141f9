/** Which network runs next on how many waiting images. Pure: the batcher asks it whenever something has changed. */

/** What waits for one network. */
export interface Waiting {
  /** Images. */
  count: number;
  /** When the oldest of them came, in ms of the monotonic clock. */
  oldestMs: number;
  /** The mux: cheap, and until it has run nobody knows what else there is to do. */
  first: boolean;
}

export interface BatchRule {
  /** Sizes that a batch may have, rising. */
  sizes: readonly number[];
  /** How long an image may wait for company, in ms. */
  delayMs: number;
}

/** Run `count` images of lane `lane`; or nothing before `waitMs` have passed; or nothing at all. */
export type BatchStep =
  { kind: 'run'; lane: number; count: number } | { kind: 'wait'; waitMs: number | null };

/**
 * A lane is due when a batch of the largest size is there or its oldest image has waited for `delayMs`. Of those that
 * are due the mux goes first, then the one whose oldest image has waited longest. `delayMs` 0 takes what is there.
 */
export function nextBatch(lanes: readonly Waiting[], rule: BatchRule, nowMs: number): BatchStep {
  const most = rule.sizes.at(-1) ?? 1;
  let best = -1;
  let waitMs: number | null = null;
  for (const [lane, waiting] of lanes.entries()) {
    if (waiting.count === 0) continue;
    const leftMs = waiting.count >= most ? 0 : waiting.oldestMs + rule.delayMs - nowMs;
    if (leftMs > 0) waitMs = Math.min(waitMs ?? leftMs, leftMs);
    else if (best < 0 || before(waiting, lanes[best])) best = lane;
  }
  if (best < 0) return { kind: 'wait', waitMs };
  return { kind: 'run', lane: best, count: batchSize(lanes[best]?.count ?? 1, rule) };
}

/** The largest allowed size that is filled. */
export function batchSize(waiting: number, { sizes }: Pick<BatchRule, 'sizes'>): number {
  return sizes.reduce((best, size) => (size <= waiting && size > best ? size : best), 1);
}

function before(one: Waiting, other: Waiting | undefined): boolean {
  if (!other) return true;
  return one.first === other.first ? one.oldestMs < other.oldestMs : one.first;
}

/** Every size up to the largest: for a CPU, which tunes nothing for a size. */
export function anySize(sizes: readonly number[]): number[] {
  return Array.from({ length: sizes.at(-1) ?? 1 }, (_, i) => i + 1);
}
