/**
 * A child process of memory.test.ts: connection, admission and pipeline of a device whose decoder never ends, so that every
 * camera's frame waits. Argument: the broker's URL. It says when it listens, and what it holds when
 * it is told anything.
 */
import { createBoard } from '../../../common/activity.js';
import { systemClock } from '../../../common/clock.js';
import { silentLog } from '../../../common/log.js';
import { powerConfigSchema } from '../../../energy/config.js';
import { createEnergyMeter } from '../../../energy/create-meter.js';
import { Connection } from '../../../protocol/connection/connection.js';
import { createFrameIds } from '../../../protocol/messages.js';
import { Admission } from '../../../agent/frames/admission.js';
import type { Decider } from '../../../agent/frames/decider.js';
import { Pipeline } from '../../../agent/frames/pipeline.js';
import { Counters } from '../../../agent/counters.js';

/** What the child holds. */
export interface Held {
  received: number;
  waiting: number;
  /** What `cameras.maxWaitingBytes` is held against. */
  accountedBytes: number;
  rssBytes: number;
}

const [url = ''] = process.argv.slice(2);
const [log, clock, counters] = [silentLog(), systemClock, new Counters()];
const energy = createEnergyMeter({ log, clock, board: createBoard() }, powerConfigSchema.parse({}));
const admission = new Admission(
  { log, clock, counters, energy, nextFrameId: createFrameIds(clock) },
  { maxBytes: 1 << 20, maxPixels: 1 << 20, payloadPath: null, regions: {} },
);
const pipeline = new Pipeline(
  {
    log,
    clock,
    counters,
    decider: { decide: () => new Promise<never>(() => undefined) } as unknown as Decider,
    settle: () => Promise.reject(new Error('nothing is ever decided')),
    emit: () => Promise.resolve(),
  },
  { depth: 1, maxWaitingBytes: 1 << 30, maxAgeMs: null, deadlineMs: Infinity },
);
const connection = new Connection({ log, clock }, { url, clientId: 'holds-frames', tellsWaiting: true });
await connection.subscribe('cameras/+/frame', { qos: 0 }, (message) => {
  for (const frame of admission.admit(message.topic.split('/')[1] ?? null, message)) pipeline.submit(frame);
});
connection.start();
await connection.ready(60_000);

process.on('message', () => {
  globalThis.gc?.();
  const held: Held = {
    received: counters.received,
    waiting: pipeline.waiting,
    accountedBytes: pipeline.waitingBytes,
    rssBytes: process.memoryUsage.rss(),
  };
  process.send?.(held);
});
process.send?.('ready');
process.on('disconnect', () => process.exit(0));
