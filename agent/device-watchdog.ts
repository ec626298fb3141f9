import type { Clock } from '../common/clock.js';
import type { Log } from '../common/log.js';
import type { ServiceManager } from '../common/service-manager.js';
import { Watchdog } from '../common/watchdog.js';
import { ROUTES } from '../protocol/messages.js';
import type { Counters } from './counters.js';
import type { Pipeline } from './frames/pipeline.js';

/** The counters that a status line is made of. */
type Counted = Pick<Counters, 'admitted' | 'results' | 'routes'>;

/**
 * A line for `systemctl status`: results a second since it was last asked for, shares of the routes, what waits.
 * `12.5 results/s: mux 61 %, local 30 %, cloud 9 %; 1000 admitted, 2 under way`
 */
export function statusLine(clock: Clock, counters: Counted, underWay: () => number): () => string {
  let last = { atMs: clock.monotonicMs(), results: counters.results, routes: { ...counters.routes } };
  return () => {
    const now = { atMs: clock.monotonicMs(), results: counters.results, routes: { ...counters.routes } };
    const results = now.results - last.results;
    const seconds = (now.atMs - last.atMs) / 1000;
    const shares = ROUTES.map((route) => [route, now.routes[route] - last.routes[route]] as const)
      .filter(([, count]) => count > 0)
      .map(([route, count]) => `${route} ${Math.round((100 * count) / results)} %`);
    last = now;
    const rate = seconds > 0 ? (results / seconds).toFixed(1) : '0.0';
    const split = shares.length > 0 ? `: ${shares.join(', ')}` : '';
    return `${rate} results/s${split}; ${counters.admitted} admitted, ${underWay()} under way`;
  };
}

/** The watchdog over the device's frames. */
export function deviceWatchdog(
  { log, clock, manager }: { log: Log; clock: Clock; manager: ServiceManager },
  { stallS }: { stallS: number },
  { counters, pipeline }: { counters: Counters; pipeline: Pipeline },
): Watchdog {
  const status = statusLine(clock, counters, () => pipeline.progress.pending);
  return new Watchdog(
    { log, clock, manager, status, progress: () => pipeline.progress },
    { stallMs: 1000 * stallS },
  );
}
