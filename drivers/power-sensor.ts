/**
 * What every power sensor looks like: an INA226 on a real or simulated bus, or a rail the kernel measures.
 *
 * A sensor lives in the sampler's thread and is read synchronously, because a transfer takes 0.1 to 0.5 ms and
 * a promise would cost more than the transfer.
 */
export const RAIL_KINDS = ['ina226', 'hwmon', 'iio'] as const;
export type RailKind = (typeof RAIL_KINDS)[number];

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

/** A source of samples for one or more rails. Constructing it does nothing; `start` and `stop` may be repeated. */
export interface PowerSensor {
  readonly rails: readonly Rail[];
  readonly simulated: boolean;
  /** Checks what is there and sets it up. Throws an `EdgemuxError` that says what to do. */
  start(): void;
  stop(): void;
  /** Measures every rail now: one sample a rail, in the order of `rails`. Throws an `EdgemuxError`. */
  samples(): PowerSample[];
}
