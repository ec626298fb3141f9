/** Cameras in a closed loop: each publishes its next frame when it has the result of its last. */
import { systemClock } from '../../../common/clock.js';
import { EdgemuxError } from '../../../common/errors.js';
import type { Connection, Message } from '../../../protocol/connection/connection.js';

/** A frame that has had no result for so long will have none. */
const PATIENCE_MS = 20_000;

export interface CameraTopics {
  frame: (camera: string) => string;
  result: (camera: string) => string;
}

/** One frame's way, from the call of publish to its result at the camera. */
export interface Answered {
  latencyMs: number;
  atMs: number;
  payload: Uint8Array;
}

export interface Loop {
  /** Cameras, one frame outstanding each. */
  cameras: number;
  /** Results before the first that counts. */
  warmup: number;
  /** Results that count. */
  frames: number;
}

export interface LoopFigures {
  answered: Answered[];
  /** Results of frames that were still under way when the last that counts came. */
  rest: Answered[];
  /** From the last result that does not count to the last that does: the loop is in full swing all that time. */
  durationMs: number;
}

export class Cameras {
  readonly #connection: Connection;
  readonly #topics: CameraTopics;
  readonly #jpegs: readonly Uint8Array[];
  readonly #sent = new Map<string, number>();
  #next = 0;
  #onAnswer: (camera: string, answered: Answered) => void = () => undefined;

  constructor(connection: Connection, topics: CameraTopics, jpegs: readonly Uint8Array[]) {
    this.#connection = connection;
    this.#topics = topics;
    this.#jpegs = jpegs;
  }

  /** Subscribes for `count` cameras. @throws EdgemuxError BROKER_UNREACHABLE */
  async start(count: number): Promise<void> {
    for (const camera of names(count)) {
      await this.#connection.subscribe(this.#topics.result(camera), { qos: 1 }, (message) => {
        this.#receive(camera, message);
      });
    }
  }

  /**
   * Cameras keep on publishing until the last frame that counts has its result, so that neither filling nor draining
   * is measured; what is then outstanding is waited for. @throws EdgemuxError MESSAGE_INVALID for a lost frame
   */
  async run({ cameras, warmup, frames }: Loop): Promise<LoopFigures> {
    const answered: Answered[] = [];
    const wanted = warmup + frames;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        const lost = [...this.#sent.keys()].join(', ');
        reject(new EdgemuxError('MESSAGE_INVALID', `no result came for a frame of ${lost}`));
      }, PATIENCE_MS);
      this.#onAnswer = (camera, one) => {
        timer.refresh();
        answered.push(one);
        if (answered.length < wanted) this.#publish(camera, reject);
        else if (this.#sent.size === 0) {
          clearTimeout(timer);
          resolve();
        }
      };
      for (const camera of names(cameras)) this.#publish(camera, reject);
    });
    const counted = answered.slice(warmup, wanted);
    const startMs = answered[warmup - 1]?.atMs ?? NaN;
    const rest = answered.slice(wanted);
    return { answered: counted, rest, durationMs: (counted.at(-1)?.atMs ?? NaN) - startMs };
  }

  #publish(camera: string, fail: (error: Error) => void): void {
    const jpeg = this.#jpegs[this.#next % this.#jpegs.length];
    if (!jpeg) throw new RangeError('cameras without frames');
    this.#next += 1;
    this.#sent.set(camera, systemClock.monotonicMs());
    this.#connection.publish(this.#topics.frame(camera), jpeg, { qos: 0 }).catch(fail);
  }

  /** A result that nobody waits for is one delivered twice. */
  #receive(camera: string, { payload }: Message): void {
    const atMs = systemClock.monotonicMs();
    const sentMs = this.#sent.get(camera);
    if (sentMs === undefined || !this.#sent.delete(camera)) return;
    this.#onAnswer(camera, { latencyMs: atMs - sentMs, atMs, payload });
  }
}

function names(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `bench-${at + 1}`);
}
