import { ROUTES, type Route } from '../../protocol/messages.js';

const MINUTE_MS = 60_000;
const MINUTES = 60;

/** What one minute's results were. */
export interface Minute {
  /** Its beginning, ms since the epoch. */
  startMs: number;
  routes: Record<Route, number>;
  /** Mean of the results' latencies in ms; null without results. */
  meanMs: number | null;
  /** Gross energy of the frames; null where none was measured. */
  energyJ: number | null;
}

/** What is counted of a result. */
export interface Counted {
  route: Route;
  totalMs: number;
  /** Null where nothing measures. */
  grossJ: number | null;
}

interface Sum {
  routes: Record<Route, number>;
  results: number;
  totalMs: number;
  grossJ: number | null;
}

/** The results of the last hour by minute. */
export class LastHour {
  /** By minute since the epoch. */
  readonly #sums = new Map<number, Sum>();

  add({ grossJ, route, totalMs }: Counted, atMs: number): void {
    const sum = this.#sumOf(Math.floor(atMs / MINUTE_MS));
    sum.routes[route] += 1;
    sum.results += 1;
    sum.totalMs += totalMs;
    if (grossJ !== null) sum.grossJ = (sum.grossJ ?? 0) + grossJ;
  }

  /** The last 60 minutes, this one last; those without results are there too. */
  minutes(nowMs: number): Minute[] {
    const last = Math.floor(nowMs / MINUTE_MS);
    return Array.from({ length: MINUTES }, (_, at) => {
      const minute = last - MINUTES + 1 + at;
      const sum = this.#sums.get(minute);
      return {
        startMs: minute * MINUTE_MS,
        routes: sum ? { ...sum.routes } : noRoutes(),
        meanMs: sum ? sum.totalMs / sum.results : null,
        energyJ: sum?.grossJ ?? null,
      };
    });
  }

  #sumOf(minute: number): Sum {
    const known = this.#sums.get(minute);
    if (known) return known;
    for (const old of this.#sums.keys()) if (old <= minute - MINUTES) this.#sums.delete(old);
    const sum = { routes: noRoutes(), results: 0, totalMs: 0, grossJ: null };
    this.#sums.set(minute, sum);
    return sum;
  }
}

function noRoutes(): Record<Route, number> {
  return Object.fromEntries(ROUTES.map((route) => [route, 0])) as Record<Route, number>;
}
