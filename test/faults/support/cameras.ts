/** Cameras that publish at a rate, whatever comes back, as real ones do. */
import type { Connection } from '../../../protocol/connection/connection.js';
import type { Accountant } from './accountant.js';
import { distinctImage } from './images.js';

export interface Stream {
  /** Frames a second, of all cameras together. */
  rate: number;
  /** Names of the cameras, by turns. */
  cameras: readonly string[];
  /** The n-th image before it is made distinct; the test images unless told. */
  image?: (n: number) => Uint8Array;
}

/** Published together, so that a timer need not ring for each frame. */
const TICK_MS = 5;

export class Cameras {
  readonly #connection: Connection;
  readonly #accountant: Accountant;
  readonly #jpegs: readonly Uint8Array[];
  readonly #run: string;
  #tick: NodeJS.Timeout | null = null;
  /** Frames that could not be handed to the broker: the cameras' own connection was away. */
  unsent = 0;

  constructor(connection: Connection, accountant: Accountant, jpegs: readonly Uint8Array[]) {
    this.#connection = connection;
    this.#accountant = accountant;
    this.#jpegs = jpegs;
    this.#run = `${process.pid}-${Math.round(performance.timeOrigin)}`;
  }

  /** One frame; QoS 0, so the broker has it once or not at all. */
  publish(camera: string, image?: Uint8Array): void {
    const picture = image ?? this.#jpegs[this.#accountant.published % this.#jpegs.length];
    if (!picture) throw new RangeError('cameras without pictures');
    if (this.#connection.state !== 'online') {
      this.unsent += 1;
      return;
    }
    const frame = distinctImage(picture, `${this.#run} ${this.#accountant.published}`);
    this.#accountant.publish(frame);
    this.#connection.publish(`cameras/${camera}/frame`, frame, { qos: 0 }).catch(() => undefined);
  }

  /** Publishes until `stop()`. */
  start({ rate, cameras, image }: Stream): void {
    this.stop();
    const startMs = performance.now();
    let sent = 0;
    this.#tick = setInterval(() => {
      const due = Math.floor(((performance.now() - startMs) / 1000) * rate);
      for (; sent < due; sent += 1) this.publish(cameras[sent % cameras.length] ?? 'cam', image?.(sent));
    }, TICK_MS);
  }

  stop(): void {
    if (this.#tick) clearInterval(this.#tick);
    this.#tick = null;
  }
}
