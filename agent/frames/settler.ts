import { EdgemuxError } from '../../common/errors.js';
import type { Clock } from '../../common/clock.js';
import type { Inference } from '../../mux/inference/inference.js';
import { fusedProbabilities, scoreThreshold } from '../../mux/rules/policy-rules.js';
import type { NetworkInput } from '../../mux/zoo/input.js';
import { makeUpload, serverInputs, type Upload } from '../../mux/zoo/upload.js';
import type { Zoo } from '../../mux/zoo/zoo.js';
import type { Reason } from '../../protocol/messages.js';
import type { DecidedFrame } from './decider.js';
import type { Frame } from './frame.js';
import type { Ticket } from '../offload/limiter.js';
import type { Offloader, OffloadOutcome } from '../offload/offloader.js';
import type { Settled } from './result.js';

export interface SettlerDeps {
  clock: Clock;
  inference: Inference;
  zoo: Zoo;
  offloader: Offloader;
}

/** Time kept back for sending a result and for a late timer. */
const MARGIN_MS = 5;
/** Runs of the local model may be this much slower than lately before a fallback misses its deadline. */
const RESERVE_FACTOR = 3;
const SMOOTHING = 0.1;

/**
 * Gives every decided frame its answer: the kept ones have it already, the hard ones ask a server, and where no
 * answer comes within the deadline the local model gives it (`fallback`, with the reason).
 */
export class Settler {
  readonly #deps: SettlerDeps;
  readonly #deadlineMs: number;
  readonly #reserve: Reserve;
  readonly #serverInputs: NetworkInput[];

  constructor(deps: SettlerDeps, options: { deadlineMs: number; localMs: number }) {
    this.#deps = deps;
    this.#deadlineMs = options.deadlineMs;
    this.#reserve = new Reserve(options);
    this.#serverInputs = serverInputs(deps.zoo);
  }

  /** @throws EdgemuxError INFERENCE_FAILED, INFERENCE_STOPPED when the local model has to answer and cannot */
  async settle(frame: Frame, decided: DecidedFrame): Promise<Settled> {
    const { outcome } = decided;
    if (outcome.localMs > 0) this.#reserve.learn(outcome.localMs + outcome.queueMs);
    if (outcome.decision === 'offload') return this.#offload(frame, decided);
    return this.#settled(frame, decided, {
      route: outcome.decision,
      reason: outcome.reason,
      probabilities: outcome.probabilities,
      models: outcome.decision === 'mux' ? [] : [this.#localId()],
    });
  }

  async #offload(frame: Frame, decided: DecidedFrame): Promise<Settled> {
    const { clock, offloader } = this.#deps;
    const entry = offloader.enter();
    if ('reason' in entry) return this.#fallback(frame, decided, entry.reason);
    const { ticket } = entry;
    if (ticket.probe) {
      void this.#probe(frame, decided, ticket);
      return this.#fallback(frame, decided, 'breaker-open');
    }
    const beforeMs = clock.monotonicMs();
    frame.meter.enter('encode');
    const image = await this.#encode(frame, decided, ticket).finally(() => {
      frame.meter.leave('encode');
    });
    const nowMs = clock.monotonicMs();
    decided.latencyMs.encode = nowMs - beforeMs;
    const budgetMs = frame.admittedMs + this.#deadlineMs - nowMs - this.#reserve.ms;
    if (budgetMs < 1) {
      offloader.cancel(ticket);
      return this.#fallback(frame, decided, 'timeout');
    }
    const asked = await this.#ask(frame, image, budgetMs, ticket);
    if (asked.kind === 'answer') return this.#cloud(frame, decided, asked);
    decided.latencyMs.network = clock.monotonicMs() - nowMs;
    const failed = await this.#fallback(frame, decided, asked.reason);
    return { ...failed, bytesUp: asked.bytesUp, bytesDown: asked.bytesDown };
  }

  /** Asks a server about a frame that the device answers itself: the frame does not wait to learn whether one is there. */
  async #probe(frame: Frame, decided: DecidedFrame, ticket: Ticket): Promise<void> {
    const { frameId, capturedAtMs } = frame;
    const image = await this.#encode(frame, decided, ticket).catch(() => null);
    if (!image) return;
    await this.#deps.offloader.ask({
      frameId,
      image,
      budgetMs: this.#deadlineMs,
      capturedAtMs,
      ticket,
      onSent: () => undefined,
    });
  }

  /** What the server needs of the picture; then the picture goes, and the local model's pixels stay for a fallback. */
  async #encode(frame: Frame, { outcome, views }: DecidedFrame, ticket: Ticket): Promise<Upload> {
    try {
      return await makeUpload(this.#serverInputs, views, frame.region ? null : frame.payload);
    } catch (error) {
      this.#deps.offloader.cancel(ticket);
      throw error;
    } finally {
      views.keep(outcome.fallbackProbabilities || !this.#deps.zoo.local ? null : this.#localInput);
    }
  }

  async #ask(frame: Frame, image: Upload, budgetMs: number, ticket: Ticket): Promise<OffloadOutcome> {
    let stage: 'upload' | 'wait' = 'upload';
    frame.meter.enter(stage);
    frame.meter.transfer({ up: image.bytes.length });
    const { frameId, capturedAtMs } = frame;
    const onSent = (): void => {
      frame.meter.leave('upload');
      frame.meter.enter('wait');
      stage = 'wait';
    };
    const outcome = await this.#deps.offloader.ask({
      frameId,
      image,
      budgetMs,
      capturedAtMs,
      ticket,
      onSent,
    });
    frame.meter.transfer({ down: outcome.bytesDown });
    frame.meter.leave(stage);
    return outcome;
  }

  #cloud(frame: Frame, decided: DecidedFrame, asked: OffloadOutcome & { kind: 'answer' }): Settled {
    const { answer, roundTripMs, bytesUp, bytesDown } = asked;
    decided.latencyMs.cloud = answer.latencyMs.residence;
    decided.latencyMs.network = Math.max(0, roundTripMs - answer.latencyMs.residence);
    const ran = decided.outcome.localProbabilities ? [this.#localId()] : [];
    const settled = this.#settled(frame, decided, {
      route: 'cloud',
      reason: decided.outcome.reason,
      probabilities: answer.probabilities,
      models: [...ran, ...answer.models],
    });
    return { ...settled, bytesUp, bytesDown, server: answer.server };
  }

  async #fallback(frame: Frame, decided: DecidedFrame, reason: Reason): Promise<Settled> {
    const probabilities = decided.outcome.fallbackProbabilities ?? (await this.#runLocal(frame, decided));
    return this.#settled(frame, decided, {
      route: 'fallback',
      reason,
      probabilities,
      models: [this.#localId()],
    });
  }

  /** Runs the local model after the fact, fused with the mux where the policy says so. */
  async #runLocal(frame: Frame, decided: DecidedFrame): Promise<ArrayLike<number>> {
    const pixels = await decided.views.as(this.#localInput);
    const run = await this.#deps.inference.classify(this.#localId(), pixels, 1);
    for (const span of run.spans) frame.meter.span(span);
    decided.latencyMs.local += run.ms;
    decided.latencyMs.queue += run.queueMs;
    this.#reserve.learn(run.ms + run.queueMs);
    const { muxScore, muxProbabilities } = decided.outcome;
    const mux =
      muxScore === null || muxProbabilities === null
        ? null
        : { score: muxScore, probabilities: muxProbabilities };
    return fusedProbabilities(decided.policy, mux, run.probabilities);
  }

  #settled(
    frame: Frame,
    decided: DecidedFrame,
    answer: Pick<Settled, 'route' | 'reason' | 'models'> & { probabilities: ArrayLike<number> | null },
  ): Settled {
    if (!answer.probabilities) {
      throw new EdgemuxError('INFERENCE_FAILED', `frame ${frame.frameId} was kept without an answer`);
    }
    decided.latencyMs.total = this.#deps.clock.monotonicMs() - frame.admittedMs;
    const { muxScore } = decided.outcome;
    return {
      ...answer,
      probabilities: answer.probabilities,
      muxScore,
      threshold: muxScore === null ? null : scoreThreshold(decided.policy),
      latencyMs: decided.latencyMs,
      bytesUp: 0,
      bytesDown: 0,
      server: null,
    };
  }

  get #localInput(): NetworkInput {
    return this.#deps.zoo.inputOf(this.#localId());
  }

  #localId(): string {
    const local = this.#deps.zoo.local;
    if (!local)
      throw new EdgemuxError('ZOO_INVALID', `zoo ${this.#deps.zoo.name} has no model with the role local`);
    return local.id;
  }
}

/** What of a frame's deadline is kept back for the local model, should no server answer. */
class Reserve {
  readonly #deadlineMs: number;
  /** Smoothed duration of a local run including its wait for the worker. */
  #localMs: number;

  constructor(options: { deadlineMs: number; localMs: number }) {
    this.#deadlineMs = options.deadlineMs;
    this.#localMs = options.localMs;
  }

  /** A local run has taken so long, its wait for the worker included. */
  learn(localMs: number): void {
    this.#localMs += SMOOTHING * (localMs - this.#localMs);
  }

  /** At most half of the deadline. */
  get ms(): number {
    return Math.min(this.#deadlineMs / 2, MARGIN_MS + RESERVE_FACTOR * this.#localMs);
  }
}
