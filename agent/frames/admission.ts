import { EdgemuxError, messageOf } from '../../common/errors.js';
import type { Log } from '../../common/log.js';
import { ownBytes } from '../../common/own-bytes.js';
import type { Clock } from '../../common/clock.js';
import { isCostly } from '../../mux/image/decode-cost.js';
import { checkImage } from '../../mux/image/image-check.js';
import type { PictureShare } from '../../mux/image/part.js';
import { unwrapImage } from '../../mux/image/unwrap.js';
import type { Message } from '../../protocol/connection/connection.js';
import type { Counters } from '../counters.js';
import type { EnergyMeter } from '../../energy/meter.js';
import { parseCapturedAt } from './captured-at.js';
import type { Frame, Region } from './frame.js';
import type { Cost } from './slots.js';

export interface AdmissionDeps {
  log: Log;
  clock: Clock;
  counters: Counters;
  energy: EnergyMeter;
  nextFrameId: () => string;
}

export interface AdmissionLimits {
  maxBytes: number;
  maxPixels: number;
  /** Of images that are decoded whole. */
  maxWholePixels?: number;
  /** Where in a JSON payload the image is; null where it is not. */
  payloadPath: string | null;
  /** By name: the camera, and the part of its picture in shares of the sides. */
  regions: Readonly<Record<string, { camera: string } & PictureShare>>;
}

/** A picture with regions does not shrink while it is decoded: so much dearer is a JPEG then. */
const FULL_SIZE = 3;

/** Names of refusals as they are counted in `state`. */
const REFUSALS: Partial<Record<EdgemuxError['code'], string>> = {
  IMAGE_EMPTY: 'empty',
  IMAGE_TOO_LARGE: 'too-large',
  IMAGE_NOT_AN_IMAGE: 'not-an-image',
  IMAGE_TRUNCATED: 'truncated',
  IMAGE_TOO_MANY_PIXELS: 'too-many-pixels',
  IMAGE_TOO_COSTLY: 'too-costly',
};

/** Every cause of a refusal. */
export const REFUSAL_CAUSES = [...Object.values(REFUSALS), 'bad-camera-name'];

/** Takes in camera messages: what passes the size and type check is admitted, the rest counted and logged. */
export class Admission {
  readonly #deps: AdmissionDeps;
  readonly #limits: AdmissionLimits;
  readonly #regions = new Map<string, Region[]>();

  constructor(deps: AdmissionDeps, limits: AdmissionLimits) {
    this.#deps = deps;
    this.#limits = limits;
    for (const [name, { camera, ...share }] of Object.entries(limits.regions))
      this.#regions.set(camera, [...(this.#regions.get(camera) ?? []), { name, ...share }]);
  }

  /**
   * The frames that a camera message carries: one for each region of the camera, the whole picture where it has none.
   * Empty where the message is refused or only a retained copy.
   */
  admit(camera: string | null, message: Message): Frame[] {
    const { counters, log } = this.#deps;
    counters.received += 1;
    if (message.retain) {
      counters.ignoredRetained += 1;
      return [];
    }
    if (camera === null)
      return this.#refuse('bad-camera-name', message, 'no usable camera name in the topic');
    const { maxBytes, payloadPath } = this.#limits;
    try {
      const image = unwrapImage(message.payload, { maxBytes, path: payloadPath });
      const { type: imageType, decodeMs: shrunkMs } = checkImage(image, this.#limits);
      const payload = ownBytes(image);
      const regions = this.#regions.get(camera) ?? [null];
      counters.admitted += regions.length;
      counters.extraFrames += regions.length - 1;
      const decodeMs = regions[0] === null ? shrunkMs : FULL_SIZE * shrunkMs;
      const cost = { decodeMs: decodeMs / regions.length, costly: isCostly(decodeMs) };
      const seen = { camera, payload, imageType, ...cost };
      const times = this.#times(message);
      return regions.map((region) => this.#frame({ ...seen, region }, times));
    } catch (error) {
      const cause = error instanceof EdgemuxError ? REFUSALS[error.code] : undefined;
      if (cause === undefined)
        log.error({ camera, error: messageOf(error) }, 'unexpected failure at admission');
      return this.#refuse(cause ?? 'not-an-image', message, messageOf(error));
    }
  }

  #frame(
    seen: Pick<Frame, 'camera' | 'region' | 'payload' | 'imageType' | keyof Cost>,
    times: Pick<Frame, 'capturedAtMs' | 'ageMs' | 'unreadMs' | 'lineMs'>,
  ): Frame {
    const frameId = this.#deps.nextFrameId();
    const admittedMs = this.#deps.clock.monotonicMs();
    return {
      frameId,
      ...seen,
      ...times,
      sha256: null,
      damaged: false,
      admittedMs,
      startedMs: admittedMs,
      meter: this.#deps.energy.frame(frameId),
    };
  }

  /** By the camera's stamp, and by how long the message waited: a picture is no newer than that, whatever the clocks say. */
  #times(message: Message): Pick<Frame, 'capturedAtMs' | 'ageMs' | 'unreadMs' | 'lineMs'> {
    const wallMs = this.#deps.clock.wallMs();
    const stampMs = this.#capturedAtMs(message);
    const { lineMs, stillMs: unreadMs } = message.waited ?? { lineMs: 0, stillMs: 0 };
    const waitedMs = Math.max(lineMs, unreadMs);
    const ageMs = Math.max(waitedMs, wallMs - (stampMs ?? wallMs));
    return { capturedAtMs: stampMs ?? wallMs - waitedMs, ageMs, unreadMs, lineMs };
  }

  /** The camera's own time stamp (MQTT 5 user property `captured-at`); null where there is none that is one. */
  #capturedAtMs(message: Message): number | null {
    const text = message.properties?.userProperties?.['captured-at'];
    if (text === undefined) return null;
    const ms = parseCapturedAt(text);
    if (ms === null) this.#deps.counters.oddCapturedAt += 1;
    return ms;
  }

  #refuse(cause: string, message: Message, why: string): Frame[] {
    this.#deps.counters.refuse(cause);
    this.#deps.log.warn(
      { topic: message.topic.slice(0, 128), bytes: message.payload.length, cause, why },
      'frame refused',
    );
    return [];
  }
}
