/** Numbers below this are seconds since the epoch (until the year 5138), those from it on milliseconds (from 1973 on). */
const LEAST_MS = 1e11;
/** 1973 too, so that the two ranges meet; a smaller number is a counter or an uptime, not a time. */
const LEAST_S = 1e8;
/** The last instant of an ECMAScript time value (ECMA-262, 21.4.1.1). */
const MOST_MS = 8.64e15;
const NUMBER = /^\d{1,16}(\.\d{1,9})?$/;
/** ISO 8601 with its zone: without one nobody knows when that is. */
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d([.,]\d{1,9})?)?(Z|[+-]\d\d:?\d\d)$/;

/**
 * A camera's time stamp in milliseconds since the epoch: milliseconds, seconds, or ISO 8601 with a zone.
 * @returns null where it is none of these
 */
export function parseCapturedAt(text: string): number | null {
  if (NUMBER.test(text)) {
    const value = Number(text);
    const ms = value < LEAST_MS ? value * 1000 : value;
    return value >= LEAST_S && ms <= MOST_MS ? ms : null;
  }
  if (!ISO.test(text)) return null;
  const ms = Date.parse(text.replace(',', '.').replace(/([+-]\d\d)(\d\d)$/, '$1:$2'));
  return Number.isFinite(ms) && ms > 0 ? ms : null;
}
