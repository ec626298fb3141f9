/** More requests than a server can answer. */
import t from 'tap';
import { encodePng } from '../../mux/image/image.js';
import { startAedes } from '../support/broker.js';
import { shippedZoo, startServer } from '../support/system.js';
import { Asker } from './support/asker.js';

const ZOO = 'fashion-mnist';

async function image(): Promise<Uint8Array> {
  const { zoo, test } = await shippedZoo();
  return encodePng(test.images(0), zoo.input);
}

t.test('a burst is answered or refused, each request once, and the queue keeps its bounds', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const asker = await Asker.connect(t, broker.url, 'burst');
  const [limit, burst] = [8, 300];
  await startServer(t, broker.url, 's', {
    queue: { maxRequests: limit, depth: 2 },
    report: { statusIntervalS: 0.1 },
  });
  t.ok(await asker.untilOnline('s'));
  const png = await image();
  let longest = 0;
  const ids = Array.from({ length: burst }, () => asker.ask(png, 20_000, ZOO));
  const all = await asker.until(() => {
    longest = Math.max(longest, asker.live('s')?.queue.length ?? 0);
    return ids.every((id) => asker.got.has(id));
  });
  t.ok(all, 'nobody waits in vain');
  t.ok(longest <= limit);
  t.equal(asker.doubled, 0);
  t.ok(asker.answers().length > 0 && asker.refusals().length > 0);
  t.ok(asker.refusals().every(({ error }) => error.code === 'QUEUE_FULL'));
  const firstAnswers = asker.refusals().filter(({ afterMs }) => afterMs < 20_000);
  t.equal(firstAnswers.length, asker.refusals().length, 'long before the budget ends');
  t.ok(await asker.until(() => asker.live('s')?.counters['answers'] === asker.answers().length));
  t.match(asker.live('s')?.counters, {
    requests: burst,
    refused_queue_full: asker.refusals().length,
    expired: 0,
  });
});

t.test('bytes bound the queue as requests do', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const asker = await Asker.connect(t, broker.url, 'bytes');
  const png = await image();
  await startServer(t, broker.url, 's', { queue: { maxBytes: Math.max(1024, 3 * png.length), depth: 1 } });
  t.ok(await asker.untilOnline('s'));
  const got = await asker.askAll(
    Array.from({ length: 40 }, () => png),
    20_000,
    ZOO,
  );
  t.equal(got.length, 40);
  t.ok(asker.answers().length > 0 && asker.refusals().length > 0);
});

t.test('a device that floods the server cannot starve another', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const [loud, quiet] = [
    await Asker.connect(t, broker.url, 'loud'),
    await Asker.connect(t, broker.url, 'quiet'),
  ];
  await startServer(t, broker.url, 's', { queue: { maxRequests: 16, depth: 2 } });
  t.ok(await quiet.untilOnline('s'));
  const png = await image();
  const flood = Array.from({ length: 400 }, () => loud.ask(png, 20_000, ZOO));
  const few = await quiet.askAll([png, png, png, png], 20_000, ZOO);
  t.equal(few.length, 4);
  t.same(quiet.refusals(), [], 'the quiet one has every answer');
  t.ok(await loud.until(() => flood.every((id) => loud.got.has(id))));
  t.ok(loud.refusals().length > 0);
});

t.test('what nobody waits for any more is dropped before work', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const asker = await Asker.connect(t, broker.url, 'd');
  await startServer(t, broker.url, 's', { queue: { depth: 1 }, report: { statusIntervalS: 0.1 } });
  t.ok(await asker.untilOnline('s'));
  const png = await image();
  const requests = 50;
  for (let n = 0; n < requests; n += 1) asker.ask(png, 1, ZOO);
  const counted = (): number => {
    const { answers = 0, expired = 0, refused_budget_too_short: short = 0 } = asker.live('s')?.counters ?? {};
    return answers + expired + short;
  };
  t.ok(await asker.until(() => counted() === requests), 'each has its end');
  const { metrics, counters } = asker.live('s')!;
  const runs = metrics?.['runs_total'] as Record<string, number>;
  const ran = Object.values(runs).reduce((sum, n) => sum + n, 0);
  t.ok(ran < requests, `${ran} runs, ${counters['expired']} expired`);
});
