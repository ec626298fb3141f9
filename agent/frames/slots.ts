/**
 * One waiting slot per camera: a newer frame replaces an older one that has not started, and cameras are served
 * round robin, so that one flooding camera costs the others nothing.
 */
export class CameraSlots<Frame> {
  /** Insertion order is the serving order: a served camera goes to the back. */
  readonly #waiting = new Map<string, Frame>();
  readonly #order: string[] = [];

  /** Puts a frame into its camera's slot. Returns the frame it replaced, or null. */
  put(camera: string, frame: Frame): Frame | null {
    const replaced = this.#waiting.get(camera) ?? null;
    this.#waiting.set(camera, frame);
    if (replaced === null) this.#order.push(camera);
    return replaced;
  }

  /** Takes the frame of the camera whose turn it is, or null where none waits. */
  next(): Frame | null {
    const camera = this.#order.shift();
    if (camera === undefined) return null;
    const frame = this.#waiting.get(camera) ?? null;
    this.#waiting.delete(camera);
    return frame;
  }

  /** Empties all slots, in serving order. */
  drain(): Frame[] {
    const frames: Frame[] = [];
    for (let frame = this.next(); frame !== null; frame = this.next()) frames.push(frame);
    return frames;
  }

  get size(): number {
    return this.#waiting.size;
  }
}
