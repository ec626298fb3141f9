/** The command lines of `edgemux power` and `edgemux power scan`, as plain data. */
import { EdgemuxError } from '../../common/errors.js';
import { parseWatch, type Watch } from '../../drivers/alerts.js';
import { powerConfigSchema, railSchema, type PowerConfig } from '../config.js';

export const FORMATS = ['table', 'json', 'csv'] as const;
export type Format = (typeof FORMATS)[number];

export interface PowerOptions {
  /** Rails to measure; null: find them. */
  power: PowerConfig | null;
  durationS: number | null;
  intervalS: number;
  format: Format;
  recordFile: string | null;
  alerts: Watch[];
}

export interface ScanOptions {
  format: 'table' | 'json';
}

export const POWER_OPTIONS = {
  simulate: { type: 'boolean', default: false, describe: 'simulated rails; everything shown says so' },
  bus: {
    type: 'string',
    default: '1',
    describe: 'I2C bus of the INA226: number or controller (c240000.i2c)',
  },
  address: { type: 'string', default: '0x44', describe: 'I2C address; several: with commas' },
  shunt: {
    type: 'string',
    requiresArg: true,
    describe: 'shunt resistor in ohm (0.01 or 10m): measures an INA226; without it the rails of the kernel',
  },
  rate: { type: 'number', requiresArg: true, describe: 'samples per second and rail' },
  duration: { type: 'number', requiresArg: true, describe: 'end after this many seconds' },
  interval: { type: 'number', default: 1, describe: 'seconds between two lines' },
  format: { type: 'string', choices: FORMATS, default: 'table', describe: 'what to print' },
  record: { type: 'string', requiresArg: true, describe: 'CSV file that gets every single sample' },
  alert: {
    type: 'string',
    array: true,
    requiresArg: true,
    describe: "warn, and end with exit code 1, beyond a limit: 'module>7W', 'board<11.5V', '>2A'",
  },
} as const;

export const SCAN_OPTIONS = {
  format: { type: 'string', choices: ['table', 'json'], default: 'table', describe: 'what to print' },
} as const;

/**
 * Checks a parsed command line. `configured` are the settings of a configuration file, which count where no flag
 * names a rail; null or without rails: the kernel's rails are looked for.
 * @throws EdgemuxError CONFIG_INVALID naming the flag and its value
 */
export function powerOptions(
  argv: Record<string, unknown>,
  configured: PowerConfig | null = null,
): PowerOptions {
  const alerts = texts(argv['alert']).map(parseWatch);
  return {
    power: rails(argv, configured, alerts),
    durationS: positive('duration', argv['duration'], 31_536_000),
    intervalS: positive('interval', argv['interval'] ?? 1, 3600) ?? 1,
    format: FORMATS.find((format) => format === argv['format']) ?? 'table',
    recordFile: typeof argv['record'] === 'string' ? argv['record'] : null,
    alerts,
  };
}

export function scanOptions(argv: Record<string, unknown>): ScanOptions {
  return { format: argv['format'] === 'json' ? 'json' : 'table' };
}

function rails(
  argv: Record<string, unknown>,
  configured: PowerConfig | null,
  alerts: readonly Watch[],
): PowerConfig | null {
  const rateHz = positive('rate', argv['rate'], 3571);
  const simulate = argv['simulate'] === true;
  if (argv['shunt'] === undefined) {
    if (!simulate) return configured && configured.rails.length > 0 ? configured : null;
    const base = configured ?? powerConfigSchema.parse({});
    const one = railSchema.parse({ kind: 'ina226', name: 'sim_module', shuntOhms: 0.01 });
    const list = base.rails.length > 0 ? base.rails : [one];
    return { ...base, simulate, rails: list.map((rail) => ({ ...rail, rateHz: rateHz ?? rail.rateHz })) };
  }
  const shuntOhms = ohms(argv['shunt']);
  const bus = String(argv['bus'] ?? '1');
  const list = String(argv['address'] ?? '0x44')
    .split(',')
    .map((text) => {
      const address = Number(text);
      if (Number.isInteger(address) && address >= 0x40 && address <= 0x4f) {
        const alert = alerts.length === 1 ? watchText(alerts[0]) : null;
        return railSchema.parse({ kind: 'ina226', bus, address, shuntOhms, rateHz, alert });
      }
      throw invalid('address', text, 'an address from 0x40 to 0x4f');
    });
  return powerConfigSchema.parse({ ...configured, simulate, rails: list });
}

/** A single alert also drives the ALERT pin of the chip, where the chip can watch it. */
function watchText(watch: Watch | undefined): string | null {
  if (!watch || (watch.quantity === 'power' && !watch.over)) return null;
  const unit = { power: 'W', voltage: 'V', current: 'A' }[watch.quantity];
  return `${watch.over ? '>' : '<'}${watch.limit}${unit}`;
}

/** `0.01`, or `10m` for 10 milliohm. */
function ohms(value: unknown): number {
  const match = /^(\d*\.?\d+)(m?)$/.exec(String(value).trim());
  const shuntOhms = match ? Number(match[1]) * (match[2] === 'm' ? 1e-3 : 1) : NaN;
  if (shuntOhms > 0 && shuntOhms <= 100) return shuntOhms;
  throw invalid('shunt', value, 'a resistance in ohm, such as 0.01 or 10m');
}

function positive(flag: string, value: unknown, most: number): number | null {
  if (value === undefined || value === null) return null;
  const number = Number(value);
  if (number > 0 && number <= most) return number;
  throw invalid(flag, value, `a number above 0 and up to ${most}`);
}

function texts(value: unknown): string[] {
  if (value === undefined) return [];
  return (Array.isArray(value) ? value : [value]).map(String);
}

function invalid(flag: string, value: unknown, wanted: string): EdgemuxError {
  return new EdgemuxError('CONFIG_INVALID', `--${flag} must be ${wanted} (got ${String(value)})`);
}
