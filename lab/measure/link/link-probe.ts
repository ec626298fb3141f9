/** Tries out a link before the runs: what it really gives, broker included. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../../common/clock.js';
import type { Connection } from '../../../protocol/connection/connection.js';
import type { LinkProfile, MeasuredLink } from '../store/facts.js';

const TRIES = 7;
const TINY_BYTES = 32;
/** A large message is what the slower direction carries in this time, within bounds. */
const LARGE_MS = 100;
const LARGE_BYTES = { least: 4096, most: 256 * 1024 };
const PATIENCE_MS = 60_000;

interface Ends {
  clock: Clock;
  /** Connected to the broker as the device is, and as the server is. */
  near: Connection;
  far: Connection;
}

/** Sends tiny and large messages each way and takes the quickest: a busy machine makes the others late. */
export async function probeLink(ends: Ends, profile: LinkProfile): Promise<MeasuredLink> {
  const slowest = Math.min(profile.uplinkMbitS ?? Infinity, profile.downlinkMbitS ?? Infinity);
  const payloadBytes = Math.round(
    Math.min(LARGE_BYTES.most, Math.max(LARGE_BYTES.least, (slowest * 1000 * LARGE_MS) / 8)),
  );
  const up = await oneWay(ends.clock, ends.near, ends.far, payloadBytes);
  const down = await oneWay(ends.clock, ends.far, ends.near, payloadBytes);
  const rate = ({ tinyMs, largeMs }: Times): number | null =>
    largeMs > tinyMs ? (8 * (payloadBytes - TINY_BYTES)) / (1000 * (largeMs - tinyMs)) : null;
  return {
    rttMs: up.tinyMs + down.tinyMs,
    uplinkMbitS: rate(up),
    downlinkMbitS: rate(down),
    tries: TRIES,
    payloadBytes,
  };
}

interface Times {
  tinyMs: number;
  largeMs: number;
}

async function oneWay(clock: Clock, from: Connection, to: Connection, payloadBytes: number): Promise<Times> {
  const topic = `edgemux-measure/probe/${randomUUID()}`;
  let arrived: (() => void) | null = null;
  await to.subscribe(topic, { qos: 0 }, () => arrived?.());
  const times = async (bytes: number): Promise<number> => {
    const found: number[] = [];
    for (let at = 0; at < TRIES; at += 1) {
      const startMs = clock.monotonicMs();
      await within(PATIENCE_MS, (done) => {
        arrived = done;
        void from.publish(topic, Buffer.alloc(bytes, 1), { qos: 0 });
      });
      found.push(clock.monotonicMs() - startMs);
    }
    return Math.min(...found);
  };
  const result = { tinyMs: await times(TINY_BYTES), largeMs: await times(payloadBytes) };
  await to.unsubscribe(topic);
  return result;
}

async function within(ms: number, start: (done: () => void) => void): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`a probe of the link did not arrive in ${ms} ms`)), ms);
      start(resolve);
    });
  } finally {
    clearTimeout(timer);
  }
}
