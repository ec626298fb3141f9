/** Upload and download from their sum: an estimate, since clocks of two machines are not compared. Pure. */
import { mean, percentile } from '../../../common/statistics.js';
import type { MeasuredLink } from '../store/facts.js';

/** Exchanges this quick had no queue before them: transfer and delay only. */
const QUICKEST = 0.05;

export interface Exchange {
  networkMs: number;
  uploadBytes: number;
  downloadBytes: number;
}

/**
 * Share of `networkMs` that is upload, from the quickest exchanges: transfer times by bytes over the rates of the
 * link, and what is left of the quickest time half each way. Null without exchanges.
 *
 * @param link what was measured before the runs; without it (or its rates) bytes take no time and the share is 0.5
 */
export function uploadShare(exchanges: readonly Exchange[], link: MeasuredLink | null): number | null {
  if (exchanges.length === 0) return null;
  const limitMs = percentile(
    exchanges.map(({ networkMs }) => networkMs),
    QUICKEST,
  );
  const quick = exchanges.filter(({ networkMs }) => networkMs <= limitMs);
  const transferMs = (bytes: number, mbitS: number | null | undefined): number =>
    mbitS ? (8 * bytes) / (1000 * mbitS) : 0;
  const upMs = transferMs(mean(quick.map(({ uploadBytes }) => uploadBytes)), link?.uplinkMbitS);
  const downMs = transferMs(mean(quick.map(({ downloadBytes }) => downloadBytes)), link?.downlinkMbitS);
  const eachWayMs = Math.max(0, mean(quick.map(({ networkMs }) => networkMs)) - upMs - downMs) / 2;
  const sumMs = upMs + downMs + 2 * eachWayMs;
  return sumMs > 0 ? (upMs + eachWayMs) / sumMs : 0.5;
}
