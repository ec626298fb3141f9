/** The floor: what a frame costs in a bare serial loop, with nothing but decode, mux and local model. */
import { systemClock } from '../../../common/clock.js';
import { EdgemuxError } from '../../../common/errors.js';
import { decodeImage } from '../../../mux/image/image.js';
import { MUX_ID, type SessionSpec } from '../../../mux/inference/inference.js';
import { openSession, type Session } from '../../../mux/inference/runtime.js';
import type { Zoo } from '../../../mux/zoo/zoo.js';

/** The daemon's own limit of a frame, in pixels. */
const MAX_PIXELS = 40_000_000;

/** Durations of one frame in ms. */
export interface FloorFrame {
  decode: number;
  mux: number;
  local: number;
  total: number;
}

export class Floor {
  readonly #zoo: Zoo;
  readonly #mux: Session;
  readonly #local: Session;

  private constructor(zoo: Zoo, mux: Session, local: Session) {
    this.#zoo = zoo;
    this.#mux = mux;
    this.#local = local;
  }

  /** Opens the two networks as the daemon's worker does. @throws EdgemuxError ZOO_INVALID, MODEL_UNUSABLE */
  static async open(zoo: Zoo, threads: number): Promise<Floor> {
    const { local, muxPair, input, classes } = zoo;
    if (!local || !muxPair)
      throw new EdgemuxError('ZOO_INVALID', `zoo ${zoo.name} lacks a mux or a local model`);
    const open = (id: string, kind: SessionSpec['kind'], file: string): Promise<Session> =>
      openSession(
        { id, kind, path: zoo.path(file), input, classes },
        { provider: 'cpu', deviceId: 0, threads },
      );
    return new Floor(zoo, await open(MUX_ID, 'mux', muxPair.file), await open(local.id, 'model', local.file));
  }

  /** One frame, one step after the other. */
  async frame(jpeg: Uint8Array): Promise<FloorFrame> {
    const startMs = systemClock.monotonicMs();
    const pixels = await decodeImage(jpeg, this.#zoo.input, { maxPixels: MAX_PIXELS });
    const decodedMs = systemClock.monotonicMs();
    await this.#mux.run(pixels, 1);
    const muxedMs = systemClock.monotonicMs();
    await this.#local.run(pixels, 1);
    const endMs = systemClock.monotonicMs();
    return {
      decode: decodedMs - startMs,
      mux: muxedMs - decodedMs,
      local: endMs - muxedMs,
      total: endMs - startMs,
    };
  }

  async close(): Promise<void> {
    await this.#mux.release();
    await this.#local.release();
  }
}
