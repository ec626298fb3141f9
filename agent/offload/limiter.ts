import type { Log } from '../../common/log.js';
import type { DeviceState, Reason } from '../../protocol/messages.js';
import { Breaker, type BreakerRule } from './breaker.js';
import { OffloadWindow, type WindowRule } from './window.js';

/** What the end of a request says about the servers. */
export type Verdict =
  /** One answered, if only to say that this frame is no good. */
  | 'answered'
  /** One refused: it has too much to do. */
  | 'busy'
  /** No answer in time: too much to do, or nobody there. */
  | 'timeout'
  /** Wrong answers, refusals of what should be granted, a server or connection that went away. */
  | 'broken'
  /** Nothing: it was not sent, or ended for reasons of ours. */
  | 'unknown';

/** Codes of servers that have too much to do. */
const BUSY: ReadonlySet<string> = new Set(['QUEUE_FULL', 'BUDGET_TOO_SHORT']);

/** A request's right to be in flight; given back with `leave`. */
export interface Ticket {
  probe: boolean;
  enteredMs: number;
}

/** What is to become of a frame that should be offloaded: ask, answer it here and ask besides, or answer it here. */
export type Entry = { ticket: Ticket } | { reason: Reason };

export interface LimiterDeps {
  log: Log;
  /** Monotonic, in ms. */
  nowMs: () => number;
  /** Within [0, 1). */
  random: () => number;
}

export interface LimiterRules {
  breaker: BreakerRule;
  window: WindowRule;
}

/** Lets requests out to the servers as far as breaker and window allow, and learns from what becomes of them. */
export class Limiter {
  readonly #deps: LimiterDeps;
  readonly #breaker: Breaker;
  readonly #window: OffloadWindow;
  #inFlight = 0;
  #opened = 0;
  #probes = 0;
  #onChange: () => void = () => undefined;

  constructor(deps: LimiterDeps, rules: LimiterRules) {
    this.#deps = deps;
    this.#breaker = new Breaker(rules.breaker, deps.random);
    this.#window = new OffloadWindow(rules.window, deps.random);
  }

  /** Calls back when the breaker has opened or closed. */
  onChange(listener: () => void): void {
    this.#onChange = listener;
  }

  /** The reason why a frame cannot wait for a server now, or null. */
  obstacle(): Reason | null {
    if (this.#breaker.state !== 'closed') return 'breaker-open';
    if (this.#window.pauseLeftMs(this.#deps.nowMs()) > 0) return 'backing-off';
    return this.#inFlight >= this.#window.size ? 'window-full' : null;
  }

  /** Takes a place in flight, where there is one. */
  enter(): Entry {
    const enteredMs = this.#deps.nowMs();
    const probe = this.#breaker.allows(enteredMs) === 'probe';
    const reason = this.obstacle();
    if (reason !== null && !probe) return { reason };
    if (probe) {
      this.#probes += 1;
      this.#breaker.beginProbe();
    }
    this.#inFlight += 1;
    return { ticket: { probe, enteredMs } };
  }

  /** Gives a place back. */
  leave({ enteredMs, probe }: Ticket, verdict: Verdict): void {
    const nowMs = this.#deps.nowMs();
    const before = this.#breaker.state;
    const failed = verdict === 'timeout' || verdict === 'broken';
    this.#inFlight -= 1;
    if (probe) this.#breaker.probed(verdict === 'unknown' ? 'unsent' : failed ? 'failed' : 'answered', nowMs);
    else if (verdict !== 'unknown') this.#breaker.ended(failed, enteredMs, nowMs);
    if (before === 'half-open' && this.#breaker.state === 'closed') this.#window.restart();
    if (verdict === 'answered') this.#window.answered();
    if (verdict === 'timeout') this.#window.lost(enteredMs, nowMs);
    if (verdict === 'busy') this.#window.refused(enteredMs, nowMs);
    this.#tell(before, verdict);
  }

  /** A usable server has come where none was. */
  serverCame(): void {
    this.#breaker.serverCame(this.#deps.nowMs());
  }

  /** For the state topic. */
  state(): NonNullable<DeviceState['offload']> {
    return {
      breaker: this.#breaker.state,
      window: this.#window.size,
      pauseMs: this.#window.pauseLeftMs(this.#deps.nowMs()),
      opened: this.#opened,
      probes: this.#probes,
    };
  }

  /** Only opening and closing are news; a probe in vain is not. */
  #tell(before: Breaker['state'], verdict: Verdict): void {
    const now = this.#breaker.state;
    if (before === 'closed' && now === 'open') {
      this.#opened += 1;
      this.#deps.log.warn(
        { last: verdict },
        'requests to servers keep failing: the device answers by itself',
      );
    } else if (before === 'half-open' && now === 'closed') {
      this.#deps.log.info({ probes: this.#probes }, 'a server answers again: hard frames go there');
    } else return;
    this.#onChange();
  }
}

/**
 * What a refusal says about the server that sent it, by its code. A bad image is the frame's fault and a server that
 * stops makes room for others; of any other code, known or not, one cannot expect that the next frame fares better.
 */
export function verdictOf(code: string): Verdict {
  if (BUSY.has(code)) return 'busy';
  if (code.startsWith('IMAGE_')) return 'answered';
  return code === 'SERVER_STOPPING' ? 'unknown' : 'broken';
}
