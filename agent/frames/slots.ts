import { FairShares } from '../../common/fair-shares.js';

/** What a frame takes of the device, besides its decoding, in the unit of `decodeMs`. */
const FRAME_MS = 5;

/** What the order of frames depends on. */
export interface Cost {
  /** Processor time that decoding is expected to take, in ms. */
  decodeMs: number;
  /** No two such are decoded at a time. */
  costly: boolean;
}

interface Slot<Frame> {
  frame: Frame;
  start: number;
}

/**
 * One waiting slot per camera: a newer frame replaces an older one that has not started, and cameras take turns by what
 * their frames cost, so that a camera of many or of costly frames costs the others nothing.
 */
export class CameraSlots<Frame extends Cost> {
  /** In the order in which frames came into empty slots. */
  readonly #waiting = new Map<string, Slot<Frame>>();
  readonly #shares = new FairShares();

  /** Puts a frame into its camera's slot. Returns the frame it replaced, or null. */
  put(camera: string, frame: Frame): Frame | null {
    const slot = this.#waiting.get(camera);
    if (slot === undefined) {
      this.#waiting.set(camera, { frame, start: this.#shares.startOf(camera) });
      return null;
    }
    const replaced = slot.frame;
    slot.frame = frame;
    return replaced;
  }

  /** Takes the frame of the camera whose turn it is, or null where none waits. @param costly whether it may be a costly one */
  next(costly: boolean): Frame | null {
    let found: [string, Slot<Frame>] | null = null;
    for (const entry of this.#waiting) {
      if (entry[1].frame.costly && !costly) continue;
      if (found === null || entry[1].start < found[1].start) found = entry;
    }
    if (found === null) return null;
    const [camera, { frame, start }] = found;
    this.#waiting.delete(camera);
    this.#shares.serve(camera, start, FRAME_MS + frame.decodeMs);
    return frame;
  }

  /** Empties all slots, in the order in which they were filled. */
  drain(): Frame[] {
    const frames = [...this.#waiting.values()].map(({ frame }) => frame);
    this.#waiting.clear();
    return frames;
  }

  get size(): number {
    return this.#waiting.size;
  }
}
