/** Requests that never arrive: compares what was sent to a group of servers with what its servers say they took. */

/** A status was put together a little before it arrives here. */
const GRACE_MS = 1000;
/** So many missing, and such a share of those sent, are no requests that got lost. */
const LEAST_MISSING = 5;
const LEAST_SHARE = 0.2;
/** The count begins anew after so many requests, so that what was well long ago hides nothing. */
const MOST_SENT = 200;
/** Servers that say nothing must not make this grow. */
const MOST_KEPT = 10_000;

interface Counted {
  startedAt: string;
  /** When the count began, and now. */
  first: number;
  last: number;
  atMs: number;
}

export class ArrivalWatch {
  readonly #servers = new Map<string, Counted>();
  #sentMs: number[] = [];

  /** A request has gone out to any of the servers. */
  sent(nowMs: number): void {
    if (this.#sentMs.length < MOST_KEPT) this.#sentMs.push(nowMs);
  }

  /** The servers that may take requests; where they have changed, the count begins anew. */
  among(servers: readonly string[]): void {
    const same = servers.length === this.#servers.size && servers.every((name) => this.#servers.has(name));
    if (!same) this.#begin([...this.#servers].filter(([name]) => servers.includes(name)));
  }

  /**
   * A server says how many requests of this device it has taken since it started.
   * @returns how many of how many sent are missing, where that cannot be chance; null else
   */
  heard(
    server: string,
    startedAt: string,
    taken: number,
    nowMs: number,
  ): { missing: number; sent: number } | null {
    const known = this.#servers.get(server);
    if (known?.startedAt !== startedAt || taken < known.last) {
      this.#servers.set(server, { startedAt, first: taken, last: taken, atMs: nowMs });
      this.#begin([...this.#servers]);
      return null;
    }
    Object.assign(known, { last: taken, atMs: nowMs });
    const all = [...this.#servers.values()];
    const untilMs = Math.min(...all.map(({ atMs }) => atMs)) - GRACE_MS;
    const sent = this.#sentMs.filter((atMs) => atMs < untilMs).length;
    const missing = sent - all.reduce((sum, { first, last }) => sum + last - first, 0);
    if (sent >= MOST_SENT) this.#begin([...this.#servers]);
    return missing >= LEAST_MISSING && missing >= LEAST_SHARE * sent ? { missing, sent } : null;
  }

  #begin(servers: readonly [string, Counted][]): void {
    this.#servers.clear();
    for (const [name, counted] of servers) this.#servers.set(name, { ...counted, first: counted.last });
    this.#sentMs = [];
  }
}
