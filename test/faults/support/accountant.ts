/**
 * Checks from outside that no frame is lost: from the MQTT traffic alone, without a look into the daemon.
 *
 * What the cameras sent is known by the SHA-256 of each image, all images are distinct, and every result names the
 * image it is for. How many frames the device admitted and dropped, its `state` says. Lost is what the device
 * admitted and neither answered nor counted as dropped.
 */
import { parseDeviceState, parseResult, type DeviceState, type Result } from '../../../protocol/messages.js';
import type { Message } from '../../../protocol/connection/connection.js';
import { shortHash, shortOf } from './images.js';

/** What happened while one process of the device lived. */
export interface Life {
  /** Images from this number on were published during it. */
  firstImage: number;
  /** The last thing it said of itself. */
  state: DeviceState | null;
  /** `killed`: it had no chance to count what it had in work. */
  end: 'running' | 'stopped' | 'killed';
  /** Frames with a result, whoever delivered it. */
  answered: number;
}

const MOST_VIOLATIONS = 20;

export class Accountant {
  /** What must never happen, in words; empty in a good world. */
  readonly violations: string[] = [];
  readonly lives: Life[] = [newLife(0)];
  readonly routes: Record<string, number> = {};
  readonly reasons: Record<string, number> = {};
  /** Slowest answer by the device's own account: admission to answer, in ms. */
  worstLatencyMs = 0;
  /** Slowest delivery: from the camera's publish to the result's first arrival here, in ms. */
  worstDeliveryMs = 0;
  redelivered = 0;
  /** Results of images that nobody sent: the line corrupted them on their way to the device. */
  altered = 0;
  /** Told of each result at its first arrival. */
  onResult: (result: Result, image: number) => void = () => undefined;
  /** Told of each result at each arrival, with its bytes. */
  onArrival: (frameId: string, payload: Uint8Array) => void = () => undefined;
  /** Told of each state of the living process. */
  onState: (state: DeviceState) => void = () => undefined;
  readonly #imageOf = new Map<number, number>();
  readonly #sentAtMs: number[] = [];
  readonly #frameOf: number[] = [];
  readonly #bytesOf: number[] = [];
  readonly #foreign = new Map<string, number>();
  readonly #mayAlter: boolean;

  /** @param mayAlter whether the line to the device corrupts images */
  constructor({ mayAlter = false } = {}) {
    this.#mayAlter = mayAlter;
  }

  /** Notes an image before it is published. Returns its number. */
  publish(image: Uint8Array): number {
    const number = this.#sentAtMs.push(performance.now()) - 1;
    this.#imageOf.set(shortHash(image), number);
    return number;
  }

  get published(): number {
    return this.#sentAtMs.length;
  }

  /** The number of the next image to be published. */
  get life(): Life {
    return this.lives.at(-1) ?? newLife(0);
  }

  get state(): DeviceState | null {
    return this.life.state;
  }

  /** The device's process has ended; what comes from now on is another one's. */
  nextLife(end: 'stopped' | 'killed'): void {
    this.life.end = end;
    this.lives.push(newLife(this.published));
  }

  takeState(message: Message): void {
    if (message.retain) return; // of an earlier moment, perhaps of an earlier life
    const state = parseDeviceState(message.payload);
    const last = this.life.state;
    if (last && state.uptimeS < last.uptimeS) this.#violation('the device restarted by itself');
    this.life.state = state;
    this.onState(state);
  }

  takeResult(message: Message): void {
    let result: Result;
    try {
      result = parseResult(message.payload);
    } catch (error) {
      return this.#violation(`an unreadable result: ${String(error)}`);
    }
    this.onArrival(result.frameId, message.payload);
    const image = this.#imageOf.get(shortOf(result.imageSha256));
    if (image === undefined) return this.#stranger(result, message.payload);
    const frame = shortHash(result.frameId);
    const bytes = shortHash(message.payload);
    if (this.#frameOf[image] === undefined) {
      this.#frameOf[image] = frame;
      this.#bytesOf[image] = bytes;
      this.#first(result, image);
    } else if (this.#frameOf[image] !== frame) {
      this.#violation(`image ${image} has two frame ids, the second is ${result.frameId}`);
    } else {
      this.redelivered += 1;
      if (this.#bytesOf[image] !== bytes)
        this.#violation(`frame ${result.frameId} came again with other bytes`);
    }
  }

  #first(result: Result, image: number): void {
    this.#count(result);
    const life = this.lives.findLast(({ firstImage }) => image >= firstImage);
    if (life) life.answered += 1;
    this.worstDeliveryMs = Math.max(this.worstDeliveryMs, performance.now() - (this.#sentAtMs[image] ?? NaN));
    this.onResult(result, image);
  }

  #count(result: Result): void {
    this.routes[result.route] = (this.routes[result.route] ?? 0) + 1;
    this.reasons[result.reason] = (this.reasons[result.reason] ?? 0) + 1;
    this.worstLatencyMs = Math.max(this.worstLatencyMs, result.latencyMs.total);
  }

  #stranger(result: Result, payload: Uint8Array): void {
    if (!this.#mayAlter) return this.#violation(`frame ${result.frameId} is for an image that nobody sent`);
    const bytes = shortHash(payload);
    const before = this.#foreign.get(result.frameId);
    this.#foreign.set(result.frameId, bytes);
    if (before === undefined) {
      this.altered += 1;
      this.life.answered += 1;
      this.#count(result);
    } else if (before === bytes) this.redelivered += 1;
    else this.#violation(`frame ${result.frameId} came again with other bytes`);
  }

  #violation(what: string): void {
    if (this.violations.length < MOST_VIOLATIONS) this.violations.push(what);
  }
}

function newLife(firstImage: number): Life {
  return { firstImage, state: null, end: 'running', answered: 0 };
}
