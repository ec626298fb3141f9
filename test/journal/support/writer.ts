/**
 * A program that journals as fast as it can until it is killed: `writer.js DIR COMMIT_MS`. It says each result's number,
 * frame and payload once `append` has returned, and which it marks as delivered, before and after.
 */
import { writeSync } from 'node:fs';
import { Journal } from '../../../journal/journal.js';

const [dir = '', commitMs = ''] = process.argv.slice(2);
const journal = new Journal({ dir, sync: 'normal' });
journal.start();
const say = (line: object): void => void writeSync(1, `${JSON.stringify(line)}\n`);
say({ waiting: journal.countUndelivered(), torn: journal.tornRecords });
setInterval(() => journal.commit(), Number(commitMs));
for (let n = 0; ; n += 1) {
  const frameId = `${process.pid}-${n}`;
  const payload = JSON.stringify({ frameId, filler: 'ä'.repeat(n % 700) });
  const seq = journal.append({ frameId, createdAtMs: n, topic: 't', payload });
  say({ seq, frameId, payload });
  if (n % 3 === 0) {
    say({ delivering: frameId });
    journal.markDelivered([seq]);
    say({ delivered: frameId });
  }
  if (n % 8 === 7) await new Promise(setImmediate);
}
