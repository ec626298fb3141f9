/**
 * What every power sensor looks like: an INA226 on a real or simulated bus, or a rail the kernel measures.
 *
 * A sensor lives in the sampler's thread and is read synchronously, because a transfer takes 0.1 to 0.5 ms and
 * a promise would cost more than the transfer.
 */
/** Sensor chips that edgemux reads itself; `chips.ts` has each of them. */
export type ChipName = 'ina226';
/** What measures a rail: one of these chips, or the kernel. */
export type RailKind = ChipName | 'hwmon' | 'iio';

/** One measured supply line. */
export interface Rail {
  /** Name in messages and tables: 1 to 64 characters of `A-Za-z0-9_-`. */
  name: string;
  kind: RailKind;
  /** True where a power model, not a supply line, is behind the numbers. */
  simulated: boolean;
  /** Where it is measured, for people: `i2c-1 0x44`, `/sys/.../in_power0_input`. */
  source: string;
  /** Name of the rail that already contains this one, so that the two are never summed; null for a top rail. */
  within: string | null;
  /** Time between two fresh values of the sensor in ms (averages x conversion times). */
  updateMs: number;
  /** Length in ms of the interval around `PowerSample.tMs` that a value can stem from (conversion and its age). */
  spanMs: number;
  /** Largest current the sensor can report in A (81.92 mV over the shunt); null where unknown. */
  fullScaleA: number | null;
}

/** Bits of `PowerSample.flags`. */
export const SAMPLE_FLAGS = {
  /** Same registers as the sample before, read within one update period: the same conversion. */
  duplicate: 1,
  /** The shunt or bus register sits at full scale: the true value lies beyond. */
  clipped: 2,
  /** The chip reports an arithmetic overflow: its current and power registers are invalid. */
  overflow: 4,
  /** First sample after a time in which samples are missing: nothing is known about the time before it. */
  afterGap: 8,
  /** The chip's alert function triggered since it was last looked at. */
  alert: 16,
} as const;

/** One measurement of one rail. */
export interface PowerSample {
  /** Monotonic time in ms of the middle of the interval that the value averages. */
  tMs: number;
  powerW: number;
  voltageV: number;
  currentA: number;
  flags: number;
}

/** What a sensor had to mend by itself since it was made. */
export interface SensorCounters {
  /** Transfers repeated after a NACK or a lost arbitration. */
  retries: number;
  /** Times that configuration and calibration were lost and written again. */
  restored: number;
}

/** A source of samples of one rail. Constructing it does nothing; `start` and `stop` may be repeated. */
export interface PowerSensor {
  readonly rail: Rail;
  readonly simulated: boolean;
  readonly counters: SensorCounters;
  /** Checks what is there and sets it up. Throws an `EdgemuxError` that says what to do. */
  start(): void;
  stop(): void;
  /**
   * Measures now; starts first where that is due, also after a failure. Null where the chip has no valid value
   * yet (its first conversion). Throws an `EdgemuxError` when the measurement failed.
   */
  sample(): PowerSample | null;
}
