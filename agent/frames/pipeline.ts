import { messageOf, isEdgemuxError } from '../../common/errors.js';
import type { Log } from '../../common/log.js';
import type { Progress } from '../../common/progress.js';
import type { Clock } from '../../common/clock.js';
import type { Counters, DropCause } from '../counters.js';
import type { Decider, DecidedFrame } from './decider.js';
import type { Frame } from './frame.js';
import type { Settled } from './result.js';
import { CameraSlots } from './slots.js';

export interface PipelineDeps {
  log: Log;
  clock: Clock;
  counters: Counters;
  /** Decode and first hop to the inference worker. */
  decider: Decider;
  /** Turns a decision into an answer: kept ones at once, hard ones by a server or by the local model. */
  settle: (frame: Frame, decided: DecidedFrame) => Promise<Settled>;
  /** Journals and publishes a result. */
  emit: (frame: Frame, settled: Settled) => Promise<void>;
}

/** Drops for other frames, or for want of their time: nothing failed. */
const MAKES_ROOM: readonly DropCause[] = ['superseded', 'no-room', 'stale', 'expired'];
/** Pictures that come or start too late are said for so long after the last one, in ms. */
const LATE_SAID_MS = 60_000;
/** What a waiting frame holds besides its payload, in bytes: its objects, and what the heap keeps spare for them. */
const FRAME_BYTES = 3072;

/**
 * The way of a frame: slot → decode → mux, rule and local model → answer → result. Every frame that enters ends in
 * exactly one result or one counted drop.
 */
export class Pipeline {
  readonly #deps: PipelineDeps;
  readonly #depth: number;
  readonly #maxWaitingBytes: number;
  readonly #maxAgeMs: number;
  readonly #deadlineMs: number;
  /** When a frame was last dropped for its time, by cause. */
  readonly #lateMs = { stale: -Infinity, expired: -Infinity };
  /** When a picture last came that had waited on the line for longer than a frame may take, and how long. */
  #slowLine = { atMs: -Infinity, waitedMs: 0 };
  readonly #slots = new CameraSlots<Frame>();
  #waitingBytes = 0;
  readonly #active = new Map<string, Frame>();
  /** Frames between decode and decision; waiting for a server takes no place here. */
  #deciding = 0;
  /** Whether one of them is costly. */
  #costly = false;
  #stopping = false;
  #idle: (() => void) | null = null;
  /** Results made and not yet handed to journal and outbox. */
  #emitting = 0;
  #moved = 0;
  #failed = 0;

  /**
   * @param options.maxAgeMs pictures older than this are dropped before they start; null: none is
   * @param options.deadlineMs frames that have not started so long after their admission are dropped
   */
  constructor(
    deps: PipelineDeps,
    options: { depth: number; maxWaitingBytes: number; maxAgeMs: number | null; deadlineMs: number },
  ) {
    this.#deps = deps;
    this.#depth = options.depth;
    this.#maxWaitingBytes = options.maxWaitingBytes;
    this.#maxAgeMs = options.maxAgeMs ?? Infinity;
    this.#deadlineMs = options.deadlineMs;
  }

  /**
   * Takes an admitted frame; the one it replaces in its camera's slot is dropped as `superseded`. Where ever new camera
   * names fill the memory with waiting frames it is dropped itself, as `no-room`.
   */
  submit(frame: Frame): void {
    if (this.#stopping) {
      this.#drop(frame, 'shutdown');
      return;
    }
    if (frame.lineMs > this.#deadlineMs)
      this.#slowLine = { atMs: this.#deps.clock.monotonicMs(), waitedMs: frame.lineMs };
    if (this.#isTooLate(frame)) return;
    if (this.#waitingBytes + bytesOf(frame) > this.#maxWaitingBytes) {
      this.#drop(frame, 'no-room');
      return;
    }
    const replaced = this.#slots.put(slotOf(frame), frame);
    this.#waitingBytes += bytesOf(frame) - (replaced ? bytesOf(replaced) : 0);
    if (replaced) this.#drop(replaced, 'superseded');
    this.#pump();
  }

  /** What is wrong with the pictures that come, or null. */
  get problem(): string | null {
    const sinceMs = this.#deps.clock.monotonicMs() - LATE_SAID_MS;
    if (this.#slowLine.atMs >= sinceMs)
      return `pictures wait ${(this.#slowLine.waitedMs / 1000).toFixed(0)} s and more on the line from the broker, which carries less than the cameras send: fewer or smaller pictures; cameras.maxAgeMs drops the old ones`;
    if (this.#lateMs.stale >= sinceMs)
      return 'pictures come older than cameras.maxAgeMs: the way from the cameras carries less than they send, or clocks differ';
    if (this.#lateMs.expired >= sinceMs)
      return 'frames wait longer than offload.deadlineMs before they start: the cameras send more than the device can answer, or it was stopped';
    return null;
  }

  get waiting(): number {
    return this.#slots.size;
  }

  /** What waiting frames hold in memory, as it is held against `cameras.maxWaitingBytes`. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  get active(): number {
    return this.#active.size;
  }

  /** For the watchdog. A frame that had to go for others never moved; one that cannot be decoded did. */
  get progress(): Progress {
    return { pending: this.#underWay, moved: this.#moved, failed: this.#failed };
  }

  /** Finishes what was admitted, at most `timeoutMs`; what is left then is dropped as `shutdown`. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopping = true;
    if (this.#underWay > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        this.#idle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    for (const frame of [...this.#slots.drain(), ...this.#active.values()]) this.#drop(frame, 'shutdown');
    this.#active.clear();
  }

  get #underWay(): number {
    return this.#active.size + this.#slots.size + this.#emitting;
  }

  /** Drops a frame whose picture has become too old, or whose deadline has passed before it could start. */
  #isTooLate(frame: Frame): boolean {
    const nowMs = this.#deps.clock.monotonicMs();
    const waitedMs = nowMs - frame.admittedMs;
    const stale = frame.ageMs + waitedMs > this.#maxAgeMs;
    if (!stale && frame.unreadMs + waitedMs <= this.#deadlineMs) return false;
    const cause = stale ? 'stale' : 'expired';
    this.#lateMs[cause] = nowMs;
    this.#drop(frame, cause);
    return true;
  }

  #pump(): void {
    while (this.#deciding < this.#depth) {
      const frame = this.#slots.next(!this.#costly);
      if (!frame) return;
      this.#waitingBytes -= bytesOf(frame);
      if (this.#isTooLate(frame)) continue;
      this.#deciding += 1;
      this.#costly ||= frame.costly;
      this.#active.set(frame.frameId, frame);
      void this.#process(frame);
    }
  }

  async #process(frame: Frame): Promise<void> {
    frame.startedMs = this.#deps.clock.monotonicMs();
    try {
      const decided = await this.#decide(frame);
      const settled = await this.#deps.settle(frame, decided);
      // A stop that ran out of time has already counted this frame as dropped.
      if (!this.#active.delete(frame.frameId)) return;
      this.#moved += 1;
      this.#deps.counters.result(settled.route);
      this.#emitting += 1;
      await this.#deps.emit(frame, settled).finally(() => (this.#emitting -= 1));
    } catch (error) {
      if (this.#active.delete(frame.frameId)) this.#drop(frame, causeOf(error), error);
      else
        this.#deps.log.error(
          { frameId: frame.frameId, error: messageOf(error) },
          'a result could not be sent',
        );
    } finally {
      if (this.#underWay === 0) this.#idle?.();
    }
  }

  async #decide(frame: Frame): Promise<DecidedFrame> {
    try {
      return await this.#deps.decider.decide(frame);
    } finally {
      this.#deciding -= 1;
      if (frame.costly) this.#costly = false;
      this.#pump();
    }
  }

  #drop(frame: Frame, cause: DropCause, error?: unknown): void {
    this.#deps.counters.drop(cause);
    if (cause === 'undecodable' || cause === 'damaged') this.#moved += 1;
    else if (!MAKES_ROOM.includes(cause)) this.#failed += 1;
    void frame.meter.finish();
    const entry = { frameId: frame.frameId, camera: frame.camera, cause };
    if (error === undefined) this.#deps.log.debug(entry, 'frame dropped');
    else this.#deps.log.warn({ ...entry, why: messageOf(error) }, 'frame dropped');
  }
}

/** What a waiting frame holds in memory. */
function bytesOf({ payload }: Frame): number {
  return payload.length + FRAME_BYTES;
}

/** A camera's regions wait beside each other. No name of either holds the separator. */
function slotOf({ camera, region }: Frame): string {
  return region ? `${camera}/${region.name}` : camera;
}

function causeOf(error: unknown): DropCause {
  if (isEdgemuxError(error, 'IMAGE_UNDECODABLE', 'IMAGE_TOO_MANY_PIXELS')) return 'undecodable';
  if (isEdgemuxError(error, 'IMAGE_DAMAGED')) return 'damaged';
  if (isEdgemuxError(error, 'INFERENCE_FAILED', 'INFERENCE_STOPPED')) return 'inference-failed';
  return 'internal';
}
