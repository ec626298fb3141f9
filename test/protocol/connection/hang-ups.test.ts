import t, { type Test } from 'tap';
import { systemClock } from '../../../common/clock.js';
import { silentLog } from '../../../common/log.js';
import { Connection } from '../../../protocol/connection/connection.js';
import { failure } from '../../../protocol/connection/failure.js';
import { HANG_UP_MEMORY_MS, HangUps } from '../../../protocol/connection/hang-ups.js';
import { startAedes, startMosquitto, withoutMosquitto } from '../../support/broker.js';

const PATIENCE_MS = 60_000;
t.setTimeout(120_000);

function device(t: Test, url: string, version: 4 | 5): Connection {
  const topic = 'edgemux/d1/status';
  const connection = new Connection(
    { log: silentLog(), clock: systemClock },
    {
      url,
      version,
      clientId: 'edgemux-d1',
      will: { topic, payload: 'offline' },
      online: { topic, payload: 'online' },
    },
  );
  t.teardown(() => connection.stop());
  connection.start();
  return connection;
}

async function until(holds: () => boolean): Promise<boolean> {
  const end = performance.now() + PATIENCE_MS;
  while (!holds() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
  return holds();
}

for (const version of [4, 5] as const) {
  const name = version === 4 ? '3.1.1' : '5';
  t.test(`two programs of one name notice it, MQTT ${name}`, { skip: withoutMosquitto() }, async (t) => {
    const broker = await startMosquitto();
    const twins = [device(t, broker.url, version), device(t, broker.url, version)];
    t.ok(await until(() => twins.every(({ recentHangUps }) => recentHangUps >= 2)));
    await Promise.all(twins.map((twin) => twin.stop()));
    await broker.stop();
  });
}

t.test('a broker that restarts is none', async (t) => {
  const broker = await startAedes();
  const connection = device(t, broker.url, 4);
  await connection.ready(PATIENCE_MS);
  await broker.stop();
  t.ok(await until(() => /nothing listens/.test(connection.lastFailure?.message ?? '')));
  await broker.restart();
  await connection.ready(PATIENCE_MS);
  t.equal(connection.recentHangUps, 0);
  await connection.stop();
  await broker.stop();
});

t.test('what is told from a hang-up, and when it is forgotten', async (t) => {
  let nowMs = 0;
  const hangUps = new HangUps({ monotonicMs: () => nowMs });
  hangUps.back();
  hangUps.ended(failure('takeover', 'reason 142'));
  hangUps.back();
  hangUps.back();
  t.equal(hangUps.recent, 1);
  nowMs = HANG_UP_MEMORY_MS / 2;
  hangUps.ended(failure('network', 'the broker closed the connection'));
  hangUps.back();
  t.equal(hangUps.recent, 2);
  hangUps.ended(failure('network', 'ECONNRESET', new Error('ECONNRESET')));
  hangUps.back();
  hangUps.ended(failure('network', 'the broker closed the connection'));
  hangUps.ended(failure('refused', 'it starts again'));
  hangUps.back();
  t.equal(hangUps.recent, 2, 'a broken line, a restart of the broker');
  nowMs = 1 + HANG_UP_MEMORY_MS;
  t.equal(hangUps.recent, 1);
});
