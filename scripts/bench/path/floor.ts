/** The floor: what a frame costs in a bare serial loop, with nothing but decode, mux and local model. */
import { systemClock } from '../../../common/clock.js';
import { EdgemuxError } from '../../../common/errors.js';
import { decodePicture, prepare } from '../../../mux/image/prepare.js';
import { MUX_ID, type SessionSpec } from '../../../mux/inference/inference.js';
import { openSession, type Session } from '../../../mux/inference/runtime.js';
import { distinctInputs, inputKey } from '../../../mux/zoo/input.js';
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
  readonly #mux: Session;
  readonly #local: Session;

  private constructor(mux: Session, local: Session) {
    this.#mux = mux;
    this.#local = local;
  }

  /** Opens the two networks as the daemon's worker does. @throws EdgemuxError ZOO_INVALID, MODEL_UNUSABLE */
  static async open(zoo: Zoo, threads: number): Promise<Floor> {
    const { local, muxPair, classes } = zoo;
    if (!local || !muxPair)
      throw new EdgemuxError('ZOO_INVALID', `zoo ${zoo.name} lacks a mux or a local model`);
    const open = (id: string, kind: SessionSpec['kind'], file: string): Promise<Session> =>
      openSession(
        { id, kind, path: zoo.path(file), input: zoo.inputOf(id), classes },
        { provider: 'cpu', deviceId: 0, threads },
      );
    return new Floor(await open(MUX_ID, 'mux', muxPair.file), await open(local.id, 'model', local.file));
  }

  /** One frame, one step after the other. */
  async frame(jpeg: Uint8Array): Promise<FloorFrame> {
    const startMs = systemClock.monotonicMs();
    const [mux, local] = [this.#mux.spec.input, this.#local.spec.input];
    const picture = await decodePicture(jpeg, { maxPixels: MAX_PIXELS }, distinctInputs([mux, local]));
    const muxPixels = await prepare(picture, mux);
    const localPixels = inputKey(mux) === inputKey(local) ? muxPixels : await prepare(picture, local);
    const decodedMs = systemClock.monotonicMs();
    await this.#mux.run(muxPixels, 1);
    const muxedMs = systemClock.monotonicMs();
    await this.#local.run(localPixels, 1);
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
