import { percentile } from '../../common/statistics.js';
import type { DeviceState } from '../../protocol/messages.js';
import type { Phase } from './phase.js';
import type { SetupName } from './summary.js';
import type { DeviceWatcher } from './device-watcher.js';

/** A terminal line is redrawn this often, a log line is added this often. */
const INTERVAL_MS = { terminal: 250, log: 2000 };

/** The line that shows a phase while it runs: rewritten in a terminal, a new one now and then elsewhere. */
export class LiveLine {
  readonly #out: NodeJS.WriteStream;
  readonly #watcher: DeviceWatcher;
  #timer: NodeJS.Timeout | null = null;
  #draw: () => void = () => undefined;

  constructor(out: NodeJS.WriteStream, watcher: DeviceWatcher) {
    this.#out = out;
    this.#watcher = watcher;
  }

  start(setup: SetupName, phase: Phase, frames: number): void {
    const startMs = performance.now();
    this.#draw = () => {
      const seconds = (performance.now() - startMs) / 1000;
      const text = liveText(setup, phase, frames, seconds, this.#watcher.state?.power ?? null);
      this.#out.write(this.#out.isTTY ? `\r\u001b[2K${text}` : `${text}\n`);
    };
    this.#timer = setInterval(this.#draw, this.#out.isTTY ? INTERVAL_MS.terminal : INTERVAL_MS.log);
  }

  stop(): void {
    if (!this.#timer) return;
    clearInterval(this.#timer);
    this.#timer = null;
    this.#draw();
    if (this.#out.isTTY) this.#out.write('\n');
  }
}

function liveText(
  setup: SetupName,
  phase: Phase,
  frames: number,
  seconds: number,
  power: DeviceState['power'],
): string {
  const { judged } = phase;
  const share = (holds: (one: (typeof judged)[number]) => boolean): string =>
    judged.length === 0 ? '–' : `${((judged.filter(holds).length / judged.length) * 100).toFixed(1)} %`;
  const latencies = judged.map(({ result }) => result.latencyMs.total);
  const labelled = judged.some(({ correct }) => correct !== null);
  const ms = (at: number): string => (latencies.length === 0 ? '–' : percentile(latencies, at).toFixed(1));
  return [
    `${setup.padEnd(11)} ${String(judged.length).padStart(5)}/${frames}`,
    `${(judged.length / seconds).toFixed(0)} frames/s`,
    `device ${share(({ result }) => result.route !== 'cloud')}`,
    ...(labelled ? [`accuracy ${share(({ correct }) => correct === true)}`] : []),
    `latency p50 ${ms(0.5)} p95 ${ms(0.95)} ms`,
    power === null ? 'power –' : `power ${power.meanW.toFixed(2)} W${power.simulated ? ' (simulated)' : ''}`,
  ].join('  ');
}
