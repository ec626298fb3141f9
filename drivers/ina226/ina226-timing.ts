/** The INA226 configuration register (SBOS547, 7.6.1): averages, conversion times, modes. Pure. */
import { EdgemuxError } from '../../common/errors.js';

export const AVERAGES = [1, 4, 16, 64, 128, 256, 512, 1024] as const;
/** Conversion times in us, tables 8 and 9. */
export const CONVERSION_TIMES_US = [140, 204, 332, 588, 1100, 2116, 4156, 8244] as const;

export type Averages = (typeof AVERAGES)[number];
export type ConversionTimeUs = (typeof CONVERSION_TIMES_US)[number];

/** Mode bits (table 10); 4 is a second "off". */
export const MODES = {
  off: 0,
  shuntTriggered: 1,
  busTriggered: 2,
  bothTriggered: 3,
  shuntContinuous: 5,
  busContinuous: 6,
  bothContinuous: 7,
} as const;
export type Mode = keyof typeof MODES;

export interface Configuration {
  averages: Averages;
  shuntConversionUs: ConversionTimeUs;
  busConversionUs: ConversionTimeUs;
  mode: Mode;
}

export const RESET_BIT = 0x8000;
/** Bits 14 to 12 read 100b. */
const RESERVED_BITS = 0x4000;

export function encodeConfiguration(configuration: Configuration): number {
  const { averages, shuntConversionUs, busConversionUs, mode } = configuration;
  return (
    RESERVED_BITS |
    (AVERAGES.indexOf(averages) << 9) |
    (CONVERSION_TIMES_US.indexOf(busConversionUs) << 6) |
    (CONVERSION_TIMES_US.indexOf(shuntConversionUs) << 3) |
    MODES[mode]
  );
}

export function decodeConfiguration(raw: number): Configuration {
  const names = Object.keys(MODES) as Mode[];
  const code = raw & 7;
  return {
    averages: AVERAGES[(raw >> 9) & 7] ?? 1,
    busConversionUs: CONVERSION_TIMES_US[(raw >> 6) & 7] ?? 1100,
    shuntConversionUs: CONVERSION_TIMES_US[(raw >> 3) & 7] ?? 1100,
    mode: names.find((name) => MODES[name] === code) ?? 'off',
  };
}

/** Time in ms between two fresh values: averages x (shunt + bus conversion), or one of them alone. */
export function updateMs(configuration: Configuration): number {
  const code = MODES[configuration.mode];
  const shuntUs = (code & 1) === 1 ? configuration.shuntConversionUs : 0;
  const busUs = (code & 2) === 2 ? configuration.busConversionUs : 0;
  return (configuration.averages * (shuntUs + busUs)) / 1000;
}

/** Wanted parts of a configuration; what is `'auto'` is chosen. */
export interface TimingRequest {
  averages: Averages | 'auto';
  shuntConversionUs: ConversionTimeUs | 'auto';
  busConversionUs: ConversionTimeUs | 'auto';
}

/**
 * The timing that watches the shunt for as much of a sample period as fits into it, so that short bursts are not
 * missed between conversions; among equals the one with fewer averages (longer conversions carry less noise).
 * Throws where even the fastest conversion takes longer than a sample period.
 */
export function timingFor(rateHz: number, wanted: TimingRequest, mode: Mode): Configuration {
  const periodUs = 1e6 / rateHz;
  const averages = wanted.averages === 'auto' ? AVERAGES : [wanted.averages];
  const shunts = wanted.shuntConversionUs === 'auto' ? CONVERSION_TIMES_US : [wanted.shuntConversionUs];
  const buses = wanted.busConversionUs === 'auto' ? CONVERSION_TIMES_US : [wanted.busConversionUs];
  let best: Configuration | null = null;
  let bestScoreUs = -1;
  let shortestUs = Infinity;
  for (const count of averages) {
    for (const shuntConversionUs of shunts) {
      for (const busConversionUs of buses) {
        const candidate: Configuration = { averages: count, shuntConversionUs, busConversionUs, mode };
        const totalUs = updateMs(candidate) * 1000;
        shortestUs = Math.min(shortestUs, totalUs);
        const scoreUs = count * shuntConversionUs + totalUs * 1e-3;
        if (totalUs > periodUs || scoreUs <= bestScoreUs) continue;
        best = candidate;
        bestScoreUs = scoreUs;
      }
    }
  }
  if (best) return best;
  throw new EdgemuxError(
    'RAIL_RATE_IMPOSSIBLE',
    `${rateHz} Hz leaves ${periodUs.toFixed(0)} us a sample, but averages and conversion times take ${shortestUs.toFixed(0)} us: ` +
      `at most ${Math.floor(1e6 / shortestUs)} Hz, or fewer averages, or shorter conversions`,
    { details: { rateHz, shortestUs } },
  );
}
