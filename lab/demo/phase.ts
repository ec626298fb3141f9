import { createHash } from 'node:crypto';
import type { Clock } from '../../common/clock.js';
import type { Connection } from '../../protocol/connection/connection.js';
import { parseResult, type Result } from '../../protocol/messages.js';
import type { DemoFrame } from './images.js';

/** A result beside what its image really shows. */
export interface Judged {
  result: Result;
  /** Null where nothing says what the image shows. */
  correct: boolean | null;
}

/** One run of a list of frames: what was published and what came back. */
export class Phase {
  readonly judged: Judged[] = [];
  published = 0;
  /** Truths of published frames that wait for their result, by camera and image hash (equal images share one). */
  readonly #awaited = new Map<string, (number | null)[]>();
  readonly #seen = new Set<string>();

  /** Takes in a result message; redelivered ones count once. */
  receive(payload: Uint8Array): void {
    const result = parseResult(payload);
    if (this.#seen.has(result.frameId)) return;
    const truth = this.#awaited.get(keyOf(result.camera, result.imageSha256))?.shift();
    if (truth === undefined) return;
    this.#seen.add(result.frameId);
    this.judged.push({ result, correct: truth === null ? null : result.classIndex === truth });
  }

  /** Publishes one frame as its camera. */
  async publish(connection: Connection, frame: DemoFrame): Promise<void> {
    const key = keyOf(frame.camera, createHash('sha256').update(frame.image).digest('hex'));
    this.#awaited.set(key, [...(this.#awaited.get(key) ?? []), frame.truth]);
    this.published += 1;
    await connection.publish(`cameras/${frame.camera}/frame`, frame.image, { qos: 1 });
  }
}

function keyOf(camera: string, sha256: string): string {
  return `${camera} ${sha256}`;
}

export interface PlayDeps {
  clock: Clock;
  connection: Connection;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
}

/** Publishes frames open loop at a steady rate, whatever the device makes of them. */
export async function playAtRate(
  deps: PlayDeps,
  phase: Phase,
  frames: DemoFrame[],
  ratePerS: number,
): Promise<void> {
  const startMs = deps.clock.monotonicMs();
  for (const [index, frame] of frames.entries()) {
    const dueMs = startMs + (index * 1000) / ratePerS;
    const waitMs = dueMs - deps.clock.monotonicMs();
    if (waitMs > 1) await new Promise((resolve) => setTimeout(resolve, waitMs));
    deps.signal.throwIfAborted();
    await phase.publish(deps.connection, frame);
  }
}

/**
 * Publishes frames closed loop, at most `outstanding` neither answered nor dropped: finds out what the machine holds.
 * Returns results per second.
 */
export async function playClosedLoop(
  deps: PlayDeps,
  phase: Phase,
  frames: DemoFrame[],
  options: { outstanding: number; patienceMs: number; dropped: () => number },
): Promise<number> {
  const startMs = deps.clock.monotonicMs();
  const droppedBefore = options.dropped();
  const ended = (): number => phase.judged.length + options.dropped() - droppedBefore;
  for (const frame of frames) {
    await waitUntil(deps, () => phase.published - ended() < options.outstanding, options.patienceMs);
    await phase.publish(deps.connection, frame);
  }
  await waitUntil(deps, () => ended() >= frames.length, options.patienceMs);
  return (phase.judged.length * 1000) / (deps.clock.monotonicMs() - startMs);
}

/** Polls until a condition holds; gives up after `patienceMs`. */
async function waitUntil(deps: PlayDeps, condition: () => boolean, patienceMs: number): Promise<void> {
  const endMs = deps.clock.monotonicMs() + patienceMs;
  while (!condition() && deps.clock.monotonicMs() < endMs) {
    deps.signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
