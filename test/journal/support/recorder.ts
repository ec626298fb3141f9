/**
 * A program that records results through the journal's thread as fast as it can until it is killed: `recorder.js DIR`.
 * It says each frame and payload that has been handed out as recorded.
 */
import { writeSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { systemClock } from '../../../common/clock.js';
import { silentLog } from '../../../common/log.js';
import { JournalClient } from '../../../journal/client.js';

const options = { mode: 'disk', sync: 'normal', maxAgeMs: 3_600_000, maxBytes: 1e9, commitMs: 20 } as const;
const client = new JournalClient(
  { log: silentLog(), clock: systemClock, onCounts: () => undefined },
  { dir: process.argv[2] ?? '', ...options },
);
await client.start();
for (let n = 0; ; n += 1) {
  const frameId = `${process.pid}-${n}`;
  const row = { frameId, createdAtMs: n, topic: 't', payload: JSON.stringify({ frameId }).padEnd(n % 700) };
  client.record(row, ({ isRecorded, payload }) => {
    if (isRecorded) writeSync(1, `${JSON.stringify({ frameId, payload })}\n`);
  });
  if (n % 8 === 7) await turn();
}
