import type { Log } from '../../common/log.js';
import type { LimiterState, Reason } from '../../protocol/messages.js';
import { Breaker, type BreakerRule } from '../../common/flow/breaker.js';
import { OffloadWindow, type WindowRule } from '../../common/flow/window.js';

/** What the end of a request says about the server. */
export type Verdict =
  /** It answered, if only to say that this frame is no good. */
  | 'answered'
  /** It refused: it has too much to do. */
  | 'busy'
  /** No answer in time: too much to do, or nobody there. */
  | 'timeout'
  /** Wrong answers, refusals of what should be granted, a server or connection that went away. */
  | 'broken'
  /** Nothing: it was not sent, or ended for reasons of ours. */
  | 'unknown';

/** Codes of servers that have too much to do. */
const BUSY: ReadonlySet<string> = new Set(['QUEUE_FULL', 'BUDGET_TOO_SHORT']);

/** A request's right to be in flight to a server; given back with `leave`. */
export interface Ticket {
  server: string;
  probe: boolean;
  enteredMs: number;
  /** The right to ask, besides, a server that has failed whether it answers again; the frame does not wait for it. */
  aside: Ticket | null;
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

/** Share of the last answer in the smoothed round trip. */
const SMOOTHING = 0.2;
/** A round trip that was measured longer ago says nothing about now. */
const FORGET_MS = 10_000;

/** Lets requests out to one server as far as breaker and window allow, and learns from what becomes of them. */
export class Limiter {
  readonly server: string;
  readonly #deps: LimiterDeps;
  readonly #rules: LimiterRules;
  readonly #breaker: Breaker;
  readonly #window: OffloadWindow;
  #inFlight = 0;
  #opened = 0;
  #probes = 0;
  #answers = 0;
  #failures = 0;
  #suspect = false;
  /** When it may be asked aside, while it is suspect. */
  #asideAtMs = 0;
  #trip: { ms: number; atMs: number } | null = null;
  #onChange: () => void = () => undefined;

  constructor(server: string, deps: LimiterDeps, rules: LimiterRules) {
    this.server = server;
    this.#deps = deps;
    this.#rules = rules;
    this.#breaker = new Breaker(rules.breaker, deps.random);
    this.#window = new OffloadWindow(rules.window, deps.random);
  }

  /** Calls back when the breaker has opened or closed. */
  onChange(listener: () => void): void {
    this.#onChange = listener;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Whether the last request failed: others are asked first. */
  get suspect(): boolean {
    return this.#suspect || this.#breaker.state !== 'closed';
  }

  /** Smoothed time from request to answer in ms, as measured lately; null where it was not. */
  get roundTripMs(): number | null {
    const trip = this.#trip;
    return trip === null || this.#deps.nowMs() - trip.atMs > FORGET_MS ? null : trip.ms;
  }

  /** The reason why a frame cannot wait for this server now, or null. */
  obstacle(): Reason | null {
    if (this.#breaker.state !== 'closed') return 'breaker-open';
    if (this.#window.pauseLeftMs(this.#deps.nowMs()) > 0) return 'backing-off';
    return this.#inFlight >= this.#window.size ? 'window-full' : null;
  }

  /** Takes a place in flight, where there is one. */
  enter(): Entry {
    const nowMs = this.#deps.nowMs();
    const probe = this.#breaker.allows(nowMs) === 'probe';
    const reason = this.obstacle();
    if (reason !== null && !probe) return { reason };
    return { ticket: this.#ticket(nowMs, probe) };
  }

  /** Takes a place for asking aside, now and then while the server is suspect. */
  enterAside(): Ticket | null {
    const nowMs = this.#deps.nowMs();
    const allows = this.#breaker.allows(nowMs);
    if (!this.suspect || allows === 'none') return null;
    if (allows === 'all' && (nowMs < this.#asideAtMs || this.obstacle() !== null)) return null;
    this.#rest(nowMs);
    return this.#ticket(nowMs, allows === 'probe');
  }

  /** Gives a place back. @param roundTripMs of an answer */
  leave({ enteredMs, probe }: Ticket, verdict: Verdict, roundTripMs: number | null = null): void {
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
    this.#judge(verdict, nowMs);
    if (roundTripMs !== null) this.#learn(roundTripMs, nowMs);
    this.#tell(before, verdict);
  }

  /** It did wrong in what was not asked of it alone. */
  blame(): void {
    const nowMs = this.#deps.nowMs();
    const before = this.#breaker.state;
    this.#breaker.ended(true, nowMs, nowMs);
    this.#judge('broken', nowMs);
    this.#tell(before, 'broken');
  }

  /** The server has come, where it was not usable before. */
  serverCame(): void {
    this.#breaker.serverCame(this.#deps.nowMs());
    this.#asideAtMs = this.#deps.nowMs();
  }

  /** For the state topic. */
  state(): LimiterState {
    return {
      breaker: this.#breaker.state,
      window: this.#window.size,
      inFlight: this.#inFlight,
      pauseMs: this.#window.pauseLeftMs(this.#deps.nowMs()),
      answers: this.#answers,
      failures: this.#failures,
      opened: this.#opened,
      probes: this.#probes,
    };
  }

  #ticket(enteredMs: number, probe: boolean): Ticket {
    if (probe) {
      this.#probes += 1;
      this.#breaker.beginProbe();
    }
    this.#inFlight += 1;
    return { server: this.server, probe, enteredMs, aside: null };
  }

  #judge(verdict: Verdict, nowMs: number): void {
    if (verdict === 'unknown') return;
    this.#suspect = verdict === 'timeout' || verdict === 'broken';
    if (verdict === 'answered') this.#answers += 1;
    if (!this.#suspect) return;
    this.#failures += 1;
    this.#rest(nowMs);
  }

  /** Half of the pause at most is taken off at random, so that many devices do not ask in step. */
  #rest(nowMs: number): void {
    this.#asideAtMs = nowMs + this.#rules.breaker.probeMs * (1 - this.#deps.random() / 2);
  }

  #learn(roundTripMs: number, atMs: number): void {
    const before = this.roundTripMs ?? roundTripMs;
    this.#trip = { ms: before + SMOOTHING * (roundTripMs - before), atMs };
  }

  /** Only opening and closing are news; a probe in vain is not. */
  #tell(before: Breaker['state'], verdict: Verdict): void {
    const now = this.#breaker.state;
    const { server } = this;
    if (before === 'closed' && now === 'open') {
      this.#opened += 1;
      this.#deps.log.warn({ server, last: verdict }, 'requests to this server keep failing: it is not asked');
    } else if (before === 'half-open' && now === 'closed') {
      this.#deps.log.info({ server, probes: this.#probes }, 'the server answers again: hard frames go there');
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
