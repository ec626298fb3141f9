import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Journal } from '../../agent/journal.js';

function row(frameId: string, createdAtMs = 1000): Parameters<Journal['append']>[0] {
  return { frameId, createdAtMs, topic: `edgemux/d/result/${frameId}`, payload: `{"frameId":"${frameId}"}` };
}

t.test('results stay until they are marked as delivered, in order and over a restart', async (t) => {
  const dir = t.testdir();
  const first = new Journal({ dir, sync: 'normal' });
  first.start();
  const seqs = ['a', 'b', 'c'].map((id) => first.append(row(id)));
  first.markDelivered([seqs[1]!]);
  first.stop();
  const second = new Journal({ dir, sync: 'full' });
  second.start();
  t.teardown(() => second.stop());
  t.same(
    second.undelivered(0, 10).map(({ frameId, payload }) => [frameId, payload]),
    [
      ['a', '{"frameId":"a"}'],
      ['c', '{"frameId":"c"}'],
    ],
  );
  t.same(
    second.undelivered(seqs[0]!, 10).map(({ frameId }) => frameId),
    ['c'],
  );
});

t.test('one frame has one result: a second one is refused', async (t) => {
  const journal = new Journal({ dir: t.testdir(), sync: 'normal' });
  journal.start();
  t.teardown(() => journal.stop());
  journal.append(row('a'));
  t.throws(() => journal.append(row('a')), { code: 'JOURNAL_FAILED' });
});

t.test('old results are pruned, and how many of them were never delivered is told', async (t) => {
  const journal = new Journal({ dir: t.testdir(), sync: 'normal' });
  journal.start();
  t.teardown(() => journal.stop());
  const delivered = journal.append(row('old-delivered', 1));
  journal.append(row('old', 2));
  journal.append(row('new', 5000));
  journal.markDelivered([delivered]);
  t.equal(journal.prune(1000, 1e9), 1);
  t.same(
    journal.undelivered(0, 10).map(({ frameId }) => frameId),
    ['new'],
  );
});

t.test('beyond its size the oldest results go first', async (t) => {
  const journal = new Journal({ dir: t.testdir(), sync: 'normal' });
  journal.start();
  t.teardown(() => journal.stop());
  for (let i = 0; i < 3000; i += 1) journal.append({ ...row(`f${i}`), payload: 'x'.repeat(1000) });
  const lost = journal.prune(0, 1_500_000);
  t.ok(lost >= 1000, `${lost} of 3000 rows of 1 kB went to stay below 1.5 MB`);
  t.equal(journal.undelivered(0, 1)[0]?.frameId, `f${lost}`, 'the oldest ones');
});

t.test('the journal is for its owner only, and says so when it cannot be opened', async (t) => {
  const dir = join(t.testdir(), 'data');
  const journal = new Journal({ dir, sync: 'normal' });
  journal.start();
  journal.stop();
  t.equal(statSync(join(dir, 'journal.sqlite')).mode & 0o777, 0o600);
  t.equal(statSync(dir).mode & 0o777, 0o700);
  const blocked = join(t.testdir(), 'blocked');
  mkdirSync(join(blocked, 'journal.sqlite'), { recursive: true });
  t.throws(() => new Journal({ dir: blocked, sync: 'normal' }).start(), {
    code: 'JOURNAL_FAILED',
    message: /blocked/,
  });
});
