/** Plays frames to a device as its cameras would, and notes when what came back. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../../common/clock.js';
import type { Connection } from '../../../protocol/connection/connection.js';
import { parseResult, type Result } from '../../../protocol/messages.js';
import type { ImageRow } from '../store/rows.js';

/** One frame that was played. Times are of the monotonic clock. */
export interface Played {
  image: ImageRow;
  publishedMs: number;
  receivedMs: number | null;
  result: Result | null;
}

export interface PlayerDeps {
  clock: Clock;
  connection: Connection;
  /** Aborted by Ctrl-C or by the end of a program. */
  signal: AbortSignal;
  frameTopic: (camera: string) => string;
  bytes: (imageIndex: number) => Promise<Uint8Array>;
}

export interface PlayOptions {
  /** Null: the next frame when the last one has its result. */
  ratePerS: number | null;
  /** Longest wait for a result. */
  patienceMs: number;
  onProgress: (done: number) => void;
}

/** Several, so that frames that come at a rate do not replace each other in the slot of one camera. */
const CAMERAS = 4;

export class Player {
  readonly #deps: PlayerDeps;
  readonly #awaited = new Map<string, Played[]>();
  readonly #seen = new Set<string>();
  #onResult: (() => void) | null = null;

  constructor(deps: PlayerDeps) {
    this.#deps = deps;
  }

  /** Takes in a result message; one that was delivered twice counts once. */
  receive(payload: Uint8Array): void {
    const receivedMs = this.#deps.clock.monotonicMs();
    const result = parseResult(payload);
    if (this.#seen.has(result.frameId)) return;
    this.#seen.add(result.frameId);
    const played = this.#awaited.get(key(result.camera, result.imageSha256))?.shift();
    if (!played) return;
    Object.assign(played, { receivedMs, result });
    this.#onResult?.();
  }

  /** Plays images in order; a frame whose result does not come in time stays without one. */
  async play(images: readonly ImageRow[], options: PlayOptions): Promise<Played[]> {
    this.#awaited.clear();
    const { clock, signal } = this.#deps;
    const played: Played[] = [];
    const startMs = clock.monotonicMs();
    for (const [at, image] of images.entries()) {
      if (options.ratePerS !== null) {
        const waitMs = startMs + (at * 1000) / options.ratePerS - clock.monotonicMs();
        if (waitMs > 1) await sleep(waitMs);
      }
      signal.throwIfAborted();
      const frame = await this.#publish(image, `camera-${(at % CAMERAS) + 1}`);
      played.push(frame);
      if (options.ratePerS === null) await this.#until(() => frame.result !== null, options.patienceMs);
      options.onProgress(played.length);
    }
    await this.#until(() => played.every(({ result }) => result !== null), options.patienceMs);
    return played;
  }

  async #publish(image: ImageRow, camera: string): Promise<Played> {
    const { clock, connection, bytes, frameTopic } = this.#deps;
    const payload = await bytes(image.imageIndex);
    const frame: Played = { image, publishedMs: clock.monotonicMs(), receivedMs: null, result: null };
    const name = key(camera, image.sha256);
    this.#awaited.set(name, [...(this.#awaited.get(name) ?? []), frame]);
    await connection.publish(frameTopic(camera), payload, { qos: 1 });
    return frame;
  }

  /** Waits for results until a condition holds, patience ends or the campaign is stopped. */
  async #until(holds: () => boolean, patienceMs: number): Promise<void> {
    const { signal } = this.#deps;
    if (holds()) return;
    signal.throwIfAborted();
    let timer: NodeJS.Timeout | undefined;
    let stop: (() => void) | undefined;
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patienceMs);
      stop = resolve;
      signal.addEventListener('abort', stop);
      this.#onResult = () => {
        if (holds()) resolve();
      };
    });
    this.#onResult = null;
    clearTimeout(timer);
    if (stop) signal.removeEventListener('abort', stop);
    signal.throwIfAborted();
  }
}

function key(camera: string, sha256: string): string {
  return `${camera} ${sha256}`;
}
