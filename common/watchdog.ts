import type { Clock } from './clock.js';
import type { Log } from './log.js';
import { ProgressWatch, type Progress } from './progress.js';
import type { ServiceManager } from './service-manager.js';

export interface WatchdogDeps {
  log: Log;
  clock: Clock;
  manager: ServiceManager;
  progress: () => Progress;
  /** A line for people: what the program does now. */
  status: () => string;
}

const LONGEST_PERIOD_MS = 5000;

/**
 * Tells the service manager that the program is ready, and then that it lives: only from the main thread's event loop
 * and only while work moves or there is none, so that a program which merely exists is restarted.
 */
export class Watchdog {
  readonly #deps: WatchdogDeps;
  readonly #stallMs: number;
  #timer: NodeJS.Timeout | null = null;
  #stalled: string | null = null;

  constructor(deps: WatchdogDeps, options: { stallMs: number }) {
    this.#deps = deps;
    this.#stallMs = options.stallMs;
  }

  /** Why no sign of life goes out now; null while all is well. */
  get stalled(): string | null {
    return this.#stalled;
  }

  /** Says `READY`; call it once the program has proved that it can do its work. */
  start(): void {
    if (this.#timer) return;
    const { clock, manager, progress, status } = this.#deps;
    const dueMs = manager.watchdogMs ?? Infinity;
    const periodMs = Math.min(LONGEST_PERIOD_MS, dueMs / 3, this.#stallMs / 3);
    const options = { stallMs: this.#stallMs, longestLookMs: 2 * periodMs };
    const watch = new ProgressWatch(options, progress(), clock.monotonicMs());
    manager.notify({ READY: '1', WATCHDOG: '1', STATUS: status() });
    this.#timer = setInterval(() => this.#look(watch), periodMs);
    this.#timer.unref();
  }

  /** Says `STOPPING`; from then on nobody waits for a sign of life. */
  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    this.#deps.manager.notify({ STOPPING: '1', STATUS: 'stopping' });
  }

  #look(watch: ProgressWatch): void {
    const { clock, log, manager, progress, status } = this.#deps;
    const work = progress();
    const standingMs = watch.look(work, clock.monotonicMs());
    if (standingMs === null) {
      if (this.#stalled !== null) log.info('work moves again');
      this.#stalled = null;
      manager.notify({ WATCHDOG: '1', STATUS: status() });
      return;
    }
    const why = `no progress for ${Math.round(standingMs / 1000)} s: ${work.pending} pending, ${work.failed} failed`;
    if (this.#stalled === null) log.error({ ...work }, `${why}; systemd is not told that we live`);
    this.#stalled = why;
    manager.notify({ STATUS: why });
  }
}
