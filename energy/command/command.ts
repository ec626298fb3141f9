/** `edgemux power`: shows what the rails draw. `runPowerScan` is in scan.ts. */
export { runPowerScan } from './scan.js';
import { createWriteStream, type WriteStream } from 'node:fs';
import { once } from 'node:events';
import { createBoard } from '../../common/activity.js';
import { systemClock, type Clock } from '../../common/clock.js';
import { EdgemuxError } from '../../common/errors.js';
import { EXIT } from '../../common/exit.js';
import { silentLog } from '../../common/log.js';
import { stopSignal } from '../../common/signals.js';
import { findSysfsRails } from '../../drivers/sysfs/sysfs-rails.js';
import { powerConfigSchema, type PowerConfig } from '../config.js';
import { LiveMeter } from '../live-meter.js';
import type { RailState } from '../meter.js';
import { RECORD_HEADER } from '../record.js';
import { csvHeader, csvRows, jsonLine, table } from './format.js';
import type { PowerOptions } from './options.js';
import { Watcher } from '../watcher.js';

export interface PowerDeps {
  write: (text: string) => void;
  /** Messages for a person, beside the figures. */
  say: (text: string) => void;
  /** Whether a table may be drawn over the one before. */
  terminal: boolean;
  clock: Clock;
  sysRoot: string;
  stopped: Promise<unknown>;
}

/** Time in which a rail must have measured, or said why not. */
const FIRST_MS = 3500;
const LOOK_MS = 50;

function systemDeps(): PowerDeps {
  return {
    write: (text) => process.stdout.write(text),
    say: (text) => process.stderr.write(`${text}\n`),
    terminal: process.stdout.isTTY === true,
    clock: systemClock,
    sysRoot: '/sys',
    stopped: stopSignal(silentLog()),
  };
}

/** Measures until the duration is over or Ctrl-C. Returns the exit code: 1 where an alert was raised. */
export async function runPower(options: PowerOptions, deps: PowerDeps = systemDeps()): Promise<number> {
  const config = options.power ?? foundRails(deps.sysRoot);
  const meter = new LiveMeter({ ...deps, log: silentLog(), board: createBoard() }, config);
  await meter.start();
  let record: WriteStream | null = null;
  try {
    await firstSamples(meter, deps);
    for (const warning of warnings(meter)) deps.say(warning);
    record = options.recordFile === null ? null : await openRecord(options.recordFile);
    return await show(meter, options, deps, record);
  } finally {
    await meter.stop();
    if (record) await new Promise<void>((resolve) => record?.end(resolve));
  }
}

/** Every rail of the kernel. @throws EdgemuxError that says how to get one, where there is none */
function foundRails(sysRoot: string): PowerConfig {
  if (findSysfsRails(sysRoot).length > 0) return powerConfigSchema.parse({ rails: [{ kind: 'auto' }] });
  throw new EdgemuxError(
    'BUS_UNAVAILABLE',
    'the kernel measures no rail on this machine. ' +
      'An INA226 on an I2C bus: `edgemux power --bus 1 --address 0x44 --shunt 0.01` (`edgemux power scan` finds it). ' +
      'Without hardware: `edgemux power --simulate`',
  );
}

/** @throws EdgemuxError with the rails' own explanation, where none of them measures */
async function firstSamples(meter: LiveMeter, deps: PowerDeps): Promise<void> {
  const untilMs = deps.clock.monotonicMs() + FIRST_MS;
  const rails = (): RailState[] => meter.rails();
  while (rails().some((rail) => rail.samples === 0 && rail.problem === null)) {
    if (deps.clock.monotonicMs() > untilMs) break;
    await pause(LOOK_MS, deps);
  }
  if (rails().some((rail) => rail.samples > 0)) return;
  throw new EdgemuxError('SENSOR_FAILED', warnings(meter).join('\n') || 'no rail gave a sample');
}

/** What the meter warns about, less what concerns frames: there are none here. */
function warnings(meter: LiveMeter): string[] {
  return meter
    .health()
    .filter((text) => !/idle power|per frame/.test(text))
    .map((text) => text.replace(/^power: /, ''));
}

async function show(
  meter: LiveMeter,
  options: PowerOptions,
  deps: PowerDeps,
  record: WriteStream | null,
): Promise<number> {
  const startMs = deps.clock.monotonicMs();
  const endMs = options.durationS === null ? Infinity : startMs + 1e3 * options.durationS;
  const watcher = new Watcher(
    { record: record && ((rows) => record.write(rows)), alert: deps.say },
    { watches: options.alerts, startMs },
  );
  let stopped = false;
  void deps.stopped.then(() => (stopped = true));
  const print = printer(options, deps);
  let nextMs = startMs + 1e3 * options.intervalS;
  while (!stopped && deps.clock.monotonicMs() < endMs) {
    await pause(Math.min(LOOK_MS, Math.max(1, endMs - deps.clock.monotonicMs())), deps);
    watcher.look(meter.sampled());
    const nowMs = deps.clock.monotonicMs();
    if (nowMs < Math.min(nextMs, endMs)) continue;
    nextMs = Math.max(nextMs + 1e3 * options.intervalS, nowMs);
    print((nowMs - startMs) / 1e3, meter.rails());
  }
  if (watcher.lost > 0) deps.say(`${watcher.lost} samples were overwritten before they could be looked at`);
  return watcher.crossings > 0 ? EXIT.failure : EXIT.ok;
}

function printer(options: PowerOptions, deps: PowerDeps): (timeS: number, rails: RailState[]) => void {
  if (options.format === 'json') return (timeS, rails) => deps.write(jsonLine(timeS, rails));
  if (options.format === 'csv') {
    deps.write(csvHeader());
    return (timeS, rails) => deps.write(csvRows(timeS, rails));
  }
  let drawn = 0;
  return (timeS, rails) => {
    const text = table(rails);
    // Over the table before: cursor up, clear to the end of the screen.
    const again = deps.terminal && drawn > 0 ? `\u001b[${drawn}A\u001b[J` : '';
    deps.write(`${again}${timeS.toFixed(1)} s\n${text}`);
    drawn = text.split('\n').length;
  };
}

async function openRecord(file: string): Promise<WriteStream> {
  const stream = createWriteStream(file);
  await once(stream, 'open').catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new EdgemuxError('CONFIG_INVALID', `--record: cannot write ${file}: ${reason}`, { cause: error });
  });
  stream.write(RECORD_HEADER);
  return stream;
}

function pause(ms: number, deps: PowerDeps): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  return Promise.race([over, deps.stopped]).finally(() => clearTimeout(timer));
}
