/** A rail of the kernel as a power sensor. Each read may make the kernel do I2C: some 100 us to 2 ms. */
import { closeSync, openSync, readSync } from 'node:fs';
import type { Clock } from '../../common/clock.js';
import { EdgemuxError, messageOf, type ErrorCode } from '../../common/errors.js';
import { SAMPLE_FLAGS, type PowerSample, type PowerSensor, type Rail } from '../power-sensor.js';
import type { SysfsFiles } from './sysfs-rails.js';

const PER_UNIT = { uW: 1e-6, mW: 1e-3 } as const;

export class SysfsSensor implements PowerSensor {
  readonly rail: Rail;
  readonly simulated = false;
  readonly counters = { retries: 0, restored: 0 };
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #files: SysfsFiles;
  readonly #buffer = Buffer.alloc(32);
  #last = '';
  #lastFreshMs = -Infinity;

  constructor(deps: { clock: Pick<Clock, 'monotonicMs'> }, options: { rail: Rail; files: SysfsFiles }) {
    this.#clock = deps.clock;
    this.rail = options.rail;
    this.#files = options.files;
  }

  start(): void {
    this.#read(this.#files.voltageMv);
    this.#read(this.#files.currentMa);
  }

  stop(): void {
    // No file stays open between samples: the driver may be unbound at any time.
  }

  sample(): PowerSample {
    const startMs = this.#clock.monotonicMs();
    const voltageV = this.#read(this.#files.voltageMv) / 1e3;
    const currentA = this.#read(this.#files.currentMa) / 1e3;
    const { power } = this.#files;
    const powerW = power ? this.#read(power.path) * PER_UNIT[power.unit] : voltageV * currentA;
    const readMs = (startMs + this.#clock.monotonicMs()) / 2;
    // The kernel's power has no sign (ina2xx); that of the current is right.
    const signedW = currentA < 0 ? -Math.abs(powerW) : powerW;
    const tMs = readMs - this.rail.updateMs;
    return { tMs, powerW: signedW, voltageV, currentA, flags: this.#flags(voltageV, currentA, readMs) };
  }

  #flags(voltageV: number, currentA: number, readMs: number): number {
    const values = `${voltageV} ${currentA}`;
    const duplicate = values === this.#last && readMs - this.#lastFreshMs < this.rail.updateMs;
    if (!duplicate) this.#lastFreshMs = readMs;
    this.#last = values;
    return duplicate ? SAMPLE_FLAGS.duplicate : 0;
  }

  #read(path: string): number {
    let file: number | null = null;
    try {
      file = openSync(path, 'r');
      const length = readSync(file, this.#buffer, 0, this.#buffer.length, 0);
      const value = Number(this.#buffer.toString('latin1', 0, length).trim() || 'x');
      if (Number.isFinite(value)) return value;
    } catch (error) {
      const code = CODES[(error as NodeJS.ErrnoException).code ?? ''] ?? 'SENSOR_FAILED';
      throw new EdgemuxError(code, `${path}: ${messageOf(error)}`, { cause: error });
    } finally {
      if (file !== null) closeSync(file);
    }
    throw new EdgemuxError('SENSOR_FAILED', `${path}: not a number`);
  }
}

const CODES: Record<string, ErrorCode> = {
  ENOENT: 'CHIP_NOT_ANSWERING',
  ENODEV: 'CHIP_NOT_ANSWERING',
  ENXIO: 'CHIP_NOT_ANSWERING',
  EREMOTEIO: 'CHIP_NOT_ANSWERING',
  ETIMEDOUT: 'BUS_STUCK',
  EIO: 'BUS_STUCK',
  EBUSY: 'BUS_BUSY',
  EAGAIN: 'BUS_ARBITRATION_LOST',
  EACCES: 'BUS_FORBIDDEN',
  EPERM: 'BUS_FORBIDDEN',
};
