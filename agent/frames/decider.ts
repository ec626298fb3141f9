import type { Clock } from '../../common/clock.js';
import { decodeImage } from '../../mux/image/image.js';
import type { Inference, DecideOutcome } from '../../mux/inference/inference.js';
import type { DevicePolicy } from '../../mux/rules/policy-settings.js';
import type { Zoo } from '../../mux/zoo/zoo.js';
import { imageSha256 } from './result.js';
import { noLatencies, type Frame, type StageLatenciesMs } from './frame.js';

/** A frame after the first hop: what the rule said, with the pixels for whatever comes next. */
export interface DecidedFrame {
  outcome: DecideOutcome;
  pixels: Uint8Array;
  policy: DevicePolicy;
  latencyMs: StageLatenciesMs;
}

export interface DeciderDeps {
  clock: Clock;
  inference: Inference;
  zoo: Zoo;
  /** The policy in force; read anew for each frame. */
  policy: () => DevicePolicy;
  /** Whether no server can be asked now, so that the local model had better run at once. */
  alone: () => boolean;
}

/** Decodes a frame once and asks the inference worker for mux, rule and local model in one hop. */
export class Decider {
  readonly #deps: DeciderDeps;
  readonly #limits: { maxBytes: number; maxPixels: number };

  constructor(deps: DeciderDeps, limits: { maxBytes: number; maxPixels: number }) {
    this.#deps = deps;
    this.#limits = limits;
  }

  /** @throws EdgemuxError IMAGE_UNDECODABLE, INFERENCE_FAILED, INFERENCE_STOPPED */
  async decide(frame: Frame): Promise<DecidedFrame> {
    const { clock, inference, zoo } = this.#deps;
    const policy = this.#deps.policy();
    frame.meter.enter('decode');
    const decoding = decodeImage(frame.payload, zoo.input, this.#limits).finally(() => {
      frame.meter.leave('decode');
    });
    frame.sha256 = imageSha256(frame.payload); // the decoder has a thread of its own, this one would wait
    const pixels = await decoding;
    const decodedMs = clock.monotonicMs();
    const outcome = await inference.decide(pixels, policy, this.#deps.alone());
    for (const span of outcome.spans) frame.meter.span(span);
    const latencyMs = {
      ...noLatencies(),
      queue: frame.startedMs - frame.admittedMs + outcome.queueMs,
      decode: decodedMs - frame.startedMs,
      mux: outcome.muxMs,
      local: outcome.localMs,
    };
    return { outcome, pixels, policy, latencyMs };
  }
}
