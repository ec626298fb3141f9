import type { Clock } from '../../common/clock.js';
import type { DecodeLimits } from '../../mux/image/decode.js';
import { partOf } from '../../mux/image/part.js';
import { decodePicture, type Picture } from '../../mux/image/prepare.js';
import type { Inference, DecideOutcome } from '../../mux/inference/inference.js';
import type { DevicePolicy } from '../../mux/rules/policy-settings.js';
import { distinctInputs, inputKey, MUX_ID, type NetworkInput } from '../../mux/zoo/input.js';
import { serverInputs } from '../../mux/zoo/upload.js';
import { PictureViews } from '../../mux/zoo/views.js';
import type { Zoo } from '../../mux/zoo/zoo.js';
import { imageSha256 } from './result.js';
import { noLatencies, type Frame, type StageLatenciesMs } from './frame.js';

/** A frame after the decision: what the rule said, with the picture for whatever comes next. */
export interface DecidedFrame {
  outcome: DecideOutcome;
  views: PictureViews;
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

/** Decodes a frame once and asks the inference worker for mux, rule and local model: in one hop where both see the same. */
export class Decider {
  readonly #deps: DeciderDeps;
  readonly #limits: DecodeLimits;
  /** null where the zoo has no such network. */
  readonly #mux: NetworkInput | null;
  readonly #local: NetworkInput | null;
  /** All that may be asked of one picture. */
  readonly #wanted: NetworkInput[];
  /** The picture whose regions were asked for last: they come one after the other. */
  #last: { payload: Uint8Array; picture: Promise<Picture> } | null = null;

  constructor(deps: DeciderDeps, limits: DecodeLimits) {
    const { zoo } = deps;
    this.#deps = deps;
    this.#limits = limits;
    this.#mux = zoo.muxPair && zoo.inputOf(MUX_ID);
    this.#local = zoo.local && zoo.inputOf(zoo.local.id);
    this.#wanted = pictureInputs(zoo);
  }

  /** @throws EdgemuxError IMAGE_UNDECODABLE, IMAGE_DAMAGED, INFERENCE_FAILED, INFERENCE_STOPPED */
  async decide(frame: Frame): Promise<DecidedFrame> {
    const { clock } = this.#deps;
    const policy = this.#deps.policy();
    const decoding = metered(frame, this.#decode(frame));
    frame.sha256 = imageSha256(frame.payload); // the decoder has a thread of its own, this one would wait
    const picture = await decoding;
    frame.damaged = picture.damaged;
    const decodeMs = clock.monotonicMs() - frame.startedMs;
    const views = new PictureViews({ clock }, picture);
    const outcome = await this.#ask(frame, views, policy);
    for (const span of outcome.spans) frame.meter.span(span);
    const latencyMs = {
      ...noLatencies(),
      queue: frame.startedMs - frame.admittedMs + outcome.queueMs,
      decode: decodeMs + views.spentMs,
      mux: outcome.muxMs,
      local: outcome.localMs,
    };
    return { outcome, views, policy, latencyMs };
  }

  /** A region is cut out of the picture at its full size, which is decoded once for all of them. */
  async #decode({ payload, region }: Frame): Promise<Picture> {
    if (!region) return decodePicture(payload, this.#limits, this.#wanted);
    if (this.#last?.payload !== payload)
      this.#last = { payload, picture: decodePicture(payload, this.#limits, []) };
    return partOf(await this.#last.picture, region);
  }

  async #ask(frame: Frame, views: PictureViews, policy: DevicePolicy): Promise<DecideOutcome> {
    const { inference, alone } = this.#deps;
    const [mux, local] = [this.#mux ?? this.#local, this.#local ?? this.#mux];
    if (!mux || !local) return inference.decide(new Uint8Array(), policy, alone());
    const made = (input: NetworkInput) => metered(frame, views.as(input));
    // a policy that asks no mux has the local model's pixels made only where it needs them, too
    if (inputKey(mux) !== inputKey(local))
      return inference.decide({ mux: () => made(mux), local: () => made(local) }, policy, alone());
    return inference.decide(await made(local), policy, alone());
  }
}

/** Inputs of every network that may look at a picture, here or on a server, each once. */
export function pictureInputs(zoo: Zoo): NetworkInput[] {
  const own = [...(zoo.muxPair ? [MUX_ID] : []), ...(zoo.local ? [zoo.local.id] : [])];
  return distinctInputs([...own.map((network) => zoo.inputOf(network)), ...serverInputs(zoo)]);
}

async function metered<T>(frame: Frame, work: Promise<T>): Promise<T> {
  frame.meter.enter('decode');
  return work.finally(() => {
    frame.meter.leave('decode');
  });
}
