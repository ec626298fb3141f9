import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { systemClock } from '../../../common/clock.js';
import { silentLog } from '../../../common/log.js';
import { Connection, type Message } from '../../../protocol/connection/connection.js';
import { startBrokerProxy } from '../../support/broker-proxy.js';
import { startAedes } from '../../support/broker.js';
import { until } from '../../support/until.js';

t.test('messages that waited on a line that stood still say how long at least', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const line = await startBrokerProxy(broker.port);
  t.teardown(() => line.stop());
  const deps = { log: silentLog(), clock: systemClock };
  const got: Message[] = [];
  const reader = new Connection(deps, { url: line.url, clientId: 'reader', tellsWaiting: true });
  const camera = new Connection(deps, { url: broker.url, clientId: 'camera' });
  await reader.subscribe('cameras/#', {}, (message) => void got.push(message));
  for (const connection of [reader, camera]) {
    t.teardown(() => connection.stop());
    connection.start();
    await connection.ready(60_000);
  }
  let sent = 0;
  const send = async (n: number): Promise<void> => {
    for (let i = 0; i < n; i += 1) {
      await camera.publish('cameras/door', String((sent += 1)));
      await sleep(50);
    }
  };
  await send(5);
  await until('a first picture is there', () => got.length > 0);
  await sleep(500); // the first question is answered
  line.freeze();
  const frozenMs = performance.now();
  await sleep(1500); // the next is sent, and lies on the line
  await send(20);
  line.thaw();
  await until('all have come', () => got.length === sent);
  const tookMs = performance.now() - frozenMs;
  const waitedMs = Math.max(...got.map(({ waited }) => waited?.lineMs ?? 0));
  t.ok(waitedMs >= 500 && waitedMs <= tookMs, `${waitedMs.toFixed(0)} of ${tookMs.toFixed(0)} ms`);
  const silent = new Connection(deps, { url: broker.url, clientId: 'silent' });
  t.teardown(() => silent.stop());
  const plain: Message[] = [];
  await silent.subscribe('cameras/#', {}, (message) => void plain.push(message));
  silent.start();
  await silent.ready(60_000);
  await send(1);
  await until('it has come', () => plain.length === 1);
  t.notOk(plain[0]?.waited, 'nobody asked for that');
});
