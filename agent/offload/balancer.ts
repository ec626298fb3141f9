import type { LimiterState, LiveServerStatus, Reason } from '../../protocol/messages.js';
import { ANY_SERVER } from '../../protocol/topics/topics.js';
import { ArrivalWatch } from '../../common/flow/arrival-watch.js';
import {
  Limiter,
  type Entry,
  type LimiterDeps,
  type LimiterRules,
  type Ticket,
  type Verdict,
} from './limiter.js';
import type { Servers } from './servers.js';

export interface BalancerRules extends LimiterRules {
  /** Whether requests go to any server of the group, where all servers take them so. */
  share: boolean;
}

/** Names that were asked once are remembered up to here, with what became of that. */
const MOST_SERVERS = 512;
/** Loads this close together are equal: chance decides, so that devices do not all run to the same server. */
const EQUAL = 1.25;
/** After a theft the group is left alone for so long. */
const THEFT_MS = 600_000;
/** Which obstacle a frame meets where servers differ: the one that passes soonest. */
const MILDEST: readonly Reason[] = ['window-full', 'backing-off', 'breaker-open'];

/**
 * Chooses the server for each request, by least load: requests of our own that it has, times how long it takes for one.
 * Servers that have just failed come last and are asked aside, at no frame's cost, whether they answer again.
 */
export class Balancer {
  readonly #deps: LimiterDeps & { servers: Servers; device: string };
  readonly #rules: BalancerRules;
  readonly #limiters = new Map<string, Limiter>();
  readonly #arrivals = new ArrivalWatch();
  #theft: { atMs: number; text: string } | null = null;
  #onChange: () => void = () => undefined;

  constructor(deps: LimiterDeps & { servers: Servers; device: string }, rules: BalancerRules) {
    this.#deps = deps;
    this.#rules = rules;
    deps.servers.onStatus((status, came) => {
      if (came) this.#of(status.server).serverCame();
      if (rules.share) this.#compare(status);
    });
  }

  /** Calls back when a server's breaker has opened or closed, or a theft was noticed. */
  onChange(listener: () => void): void {
    this.#onChange = listener;
  }

  /** The reason why a frame cannot wait for a server now, or null. */
  obstacle(): Reason | null {
    return this.#mildest(this.#usable().map((limiter) => limiter.obstacle()));
  }

  /** Takes a place in flight to a server, where there is one. */
  enter(): Entry {
    const usable = this.#usable();
    const shared = this.#shares(usable) ? this.#of(ANY_SERVER).enter() : null;
    if (shared !== null && 'ticket' in shared) {
      this.#arrivals.sent(this.#deps.nowMs());
      return shared;
    }
    const free = usable.filter((limiter) => limiter.obstacle() === null);
    const sound = free.filter((limiter) => !limiter.suspect);
    const chosen = this.#leastLoaded(sound.length > 0 ? sound : free);
    if (chosen !== null) return withAside(chosen.enter(), sound.length > 0 ? usable : []);
    const reasons: Reason[] = [];
    for (const limiter of usable) {
      const entry = limiter.enter(); // where nothing else is left: a probe
      if ('ticket' in entry) return entry;
      reasons.push(entry.reason);
    }
    return { reason: this.#mildest(reasons) ?? 'server-away' };
  }

  /** Gives a place back. @param roundTripMs of an answer */
  leave(ticket: Ticket, verdict: Verdict, roundTripMs: number | null = null): void {
    this.#of(ticket.server).leave(ticket, verdict, roundTripMs);
  }

  /** A server did wrong with what the group was asked. */
  blame(server: string): void {
    this.#of(server).blame();
  }

  /** How a server is asked; undefined where it was not yet. */
  stateOf(server: string): LimiterState | undefined {
    return this.#limiters.get(server)?.state();
  }

  /** For the state topic: all servers together, those that are gone where none is usable. */
  state(): Pick<LimiterState, 'breaker' | 'window' | 'pauseMs' | 'opened' | 'probes'> {
    const all = [...this.#limiters.values()].map((limiter) => limiter.state());
    const usable = this.#usable().map((limiter) => limiter.state());
    const now = usable.length > 0 ? usable : all;
    const sum = (of: readonly LimiterState[], key: 'window' | 'opened' | 'probes'): number =>
      of.reduce((total, one) => total + one[key], 0);
    const best = (['closed', 'half-open', 'open'] as const).find((one) =>
      now.some(({ breaker }) => breaker === one),
    );
    return {
      breaker: best ?? 'closed',
      window: now.length > 0 ? sum(now, 'window') : this.#rules.window.most,
      pauseMs: now.length > 0 ? Math.min(...now.map(({ pauseMs }) => pauseMs)) : 0,
      opened: sum(all, 'opened'),
      probes: sum(all, 'probes'),
    };
  }

  /** Servers that keep failing, and requests that somebody takes away, for people. */
  problems(): string[] {
    const failing = this.#deps.servers.usable
      .map(({ server }) => server)
      .filter((server) => (this.#limiters.get(server)?.state().breaker ?? 'closed') !== 'closed');
    return [
      ...(failing.length === 0
        ? []
        : [
            `requests to servers keep failing (${failing.join(', ').slice(0, 200)}): hard frames go elsewhere or fall back`,
          ]),
      ...(this.#stolen ? [this.#theft?.text ?? ''] : []),
    ];
  }

  get #stolen(): boolean {
    return this.#theft !== null && this.#deps.nowMs() - this.#theft.atMs < THEFT_MS;
  }

  #usable(): Limiter[] {
    return this.#deps.servers.usable.map(({ server }) => this.#of(server));
  }

  /** A group is asked while all its servers take shared requests and behave, and nobody takes what is theirs. */
  #shares(usable: readonly Limiter[]): boolean {
    if (!this.#rules.share || usable.length === 0 || this.#stolen) return false;
    const all = this.#deps.servers.usable.every(({ shared }) => shared !== undefined);
    return all && !usable.some((limiter) => limiter.suspect);
  }

  #leastLoaded(limiters: readonly Limiter[]): Limiter | null {
    const tripsMs = limiters.map((limiter) => limiter.roundTripMs ?? this.#announcedMs(limiter));
    const known = tripsMs.filter((ms) => ms !== null);
    const usualMs = known.length > 0 ? known.reduce((sum, ms) => sum + ms, 0) / known.length : 1;
    const loads = limiters.map(({ inFlight }, at) => (inFlight + 1) * Math.max(1, tripsMs[at] ?? usualMs));
    const least = Math.min(...loads);
    const equals = limiters.filter((_, at) => (loads[at] ?? Infinity) <= EQUAL * least);
    return equals[Math.floor(this.#deps.random() * equals.length)] ?? null;
  }

  /** Where nothing was measured lately: what the server says of its own pace, for each that waits there. */
  #announcedMs(limiter: Limiter): number | null {
    const status = this.#deps.servers.get(limiter.server);
    if (!status?.latencyMs) return null;
    return status.latencyMs.p50 * (1 + status.queue.length);
  }

  #mildest(obstacles: readonly (Reason | null)[]): Reason | null {
    if (obstacles.length === 0) return 'server-away';
    if (obstacles.includes(null)) return null;
    return MILDEST.find((reason) => obstacles.includes(reason)) ?? 'breaker-open';
  }

  #compare({ server, shared, startedAt }: LiveServerStatus): void {
    const sharing = this.#deps.servers.usable.filter((one) => one.shared !== undefined);
    this.#arrivals.among(sharing.map((one) => one.server));
    if (shared === undefined) return;
    const nowMs = this.#deps.nowMs();
    const found = this.#arrivals.heard(server, startedAt, shared[this.#deps.device] ?? 0, nowMs);
    if (found === null || this.#stolen) return;
    const text =
      `${found.missing} of ${found.sent} requests to the group of servers arrived at none of them: somebody else ` +
      'subscribes to it. Single servers are asked for now; give the group a new share.secretFile';
    this.#theft = { atMs: nowMs, text };
    this.#deps.log.warn(found, text);
    this.#onChange();
  }

  #of(server: string): Limiter {
    const known = this.#limiters.get(server);
    if (known) return known;
    if (this.#limiters.size >= MOST_SERVERS)
      for (const [name, { inFlight }] of this.#limiters) if (inFlight === 0) this.#limiters.delete(name);
    const limiter = new Limiter(server, this.#deps, this.#rules);
    limiter.onChange(() => {
      this.#onChange();
    });
    this.#limiters.set(server, limiter);
    return limiter;
  }
}

/** Where a sound server takes the frame, one that failed may be asked besides. */
function withAside(entry: Entry, usable: readonly Limiter[]): Entry {
  if (!('ticket' in entry)) return entry;
  for (const limiter of usable) {
    const aside = limiter.enterAside();
    if (aside !== null) return { ticket: { ...entry.ticket, aside } };
  }
  return entry;
}
