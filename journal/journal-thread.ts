/** The thread that works with the journal's disk: what hangs there holds up nothing but results that wait for it. */
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../common/clock.js';
import { isEdgemuxError } from '../common/errors.js';
import { Journal } from './journal.js';
import { JournalKeeper, type JournalLog } from './keeper.js';
import type { FromThread, JournalStatus, ThreadStart, ToThread } from './messages.js';

/** What timers of the keeper have found is told so often. */
const TELL_MS = 100;

const port = parentPort;
if (port) serve(port, workerData as ThreadStart);

function serve(port: NonNullable<typeof parentPort>, start: ThreadStart): void {
  const say = (message: FromThread): void => port.postMessage(message);
  const line =
    (level: 'info' | 'warn' | 'error'): JournalLog['info'] =>
    (fields, text) =>
      say({ type: 'log', level, fields, text });
  const log = { info: line('info'), warn: line('warn'), error: line('error') };
  const { dir, mode, sync, maxAgeMs, maxBytes, commitMs, afterSeq } = start;
  const journal = new Journal({ dir, mode, sync });
  const onMissing = (): void => say({ type: 'missing' });
  const deps = { log, clock: systemClock, journal, onMissing };
  const keeper = new JournalKeeper(deps, { maxAgeMs, maxBytes, commitMs });
  const tell = teller(keeper, journal, say);
  say({ type: 'opening' });
  try {
    keeper.start(afterSeq);
  } catch (error) {
    if (!isEdgemuxError(error)) throw error;
    say({ type: 'in-use', message: error.message, details: error.details });
    port.close();
    return;
  }
  tell();
  say({ type: 'started' });
  const telling = setInterval(tell, TELL_MS);
  port.on('message', (message: ToThread) => {
    take(message, keeper, say);
    tell();
    if (message.type !== 'stop') return;
    clearInterval(telling);
    say({ type: 'stopped' });
    port.close();
  });
}

function take(message: ToThread, keeper: JournalKeeper, say: (message: FromThread) => void): void {
  switch (message.type) {
    case 'append': {
      const done = keeper.append(message.row) !== null;
      say({ type: 'recorded', seq: message.row.seq, done, waiting: keeper.countUndelivered() });
      return;
    }
    case 'delivered':
      keeper.markDelivered(message.seqs);
      say({ type: 'waiting', waiting: keeper.countUndelivered() });
      return;
    case 'parked':
      keeper.park(message.seq);
      say({ type: 'waiting', waiting: keeper.countUndelivered() });
      return;
    case 'undelivered': {
      const { id, afterSeq, limit } = message;
      say({ type: 'rows', id, rows: keeper.undelivered(afterSeq, limit) });
      return;
    }
    case 'held':
      keeper.restore(message.rows);
      say({ type: 'waiting', waiting: keeper.countUndelivered() });
      return;
    case 'stop':
      keeper.stop();
  }
}

/** Says how the journal is where that has changed. */
function teller(keeper: JournalKeeper, journal: Journal, say: (message: FromThread) => void): () => void {
  let told = '';
  return () => {
    const { takes, problem, notice, lastStop, counts } = keeper;
    const facts = { takes, problem, notice, lastStop, counts };
    const text = JSON.stringify(facts);
    if (text === told) return;
    told = text;
    const status: JournalStatus = { ...facts, lastSeq: journal.lastSeq };
    say({ type: 'status', status });
    say({ type: 'waiting', waiting: keeper.countUndelivered() });
  };
}
