/** Devices of protocol 1 (edgemux 0.1.0) and servers of 2: answered once, counted, or silent where that is configured. */
import t from 'tap';
import { systemClock } from '../../common/clock.js';
import { silentLog } from '../../common/log.js';
import { parseAnswer, parseServerStatus, PROTOCOL, type LiveServerStatus } from '../../protocol/messages.js';
import { Connection } from '../../protocol/connection/connection.js';
import { startMosquitto, withoutMosquitto } from '../support/broker.js';
import { jpegOf, shippedZoo, startServer } from '../support/system.js';
import { until } from '../support/until.js';

const skip = withoutMosquitto();
const PATIENCE_MS = 60_000;

/** What a device of 0.1.0 does: requests to all servers, answers from whom it may be. */
class OldDevice {
  readonly answers: { frameId: string; server: string }[] = [];
  readonly statuses = new Map<string, LiveServerStatus>();
  readonly connection: Connection;

  constructor(url: string) {
    this.connection = new Connection(
      { log: silentLog(), clock: systemClock },
      { url, clientId: 'old-device' },
    );
  }

  async start(): Promise<void> {
    const { zoo } = await shippedZoo();
    this.connection.start();
    await this.connection.ready(PATIENCE_MS);
    await this.connection.subscribe('edgemux/cloud/+/status', { qos: 1 }, ({ payload, topic }) => {
      const status = parseServerStatus(payload);
      if (status.state !== 'offline') this.statuses.set(topic.split('/')[2] ?? '', status);
    });
    await this.connection.subscribe('edgemux/answer/old/+', { qos: 0 }, ({ payload, topic }) => {
      const frameId = topic.split('/')[3] ?? '';
      const answer = parseAnswer(payload, { frameId, classes: zoo.classes, zooHash: zoo.hash });
      if (!('error' in answer)) this.answers.push({ frameId, server: answer.server });
    });
  }

  async ask(frameId: string): Promise<void> {
    await this.connection.publish(`edgemux/offload/fashion-mnist/old/${frameId}/20000`, await jpegOf(0), {
      qos: 1,
    });
  }

  legacy(): number {
    return [...this.statuses.values()].reduce(
      (sum, { counters }) => sum + (counters['legacy_requests'] ?? 0),
      0,
    );
  }
}

t.test(
  'a device of protocol 1 is answered once by two servers of protocol 2, which count it',
  { skip },
  async (t) => {
    const broker = await startMosquitto();
    t.teardown(() => broker.stop());
    const device = new OldDevice(broker.url);
    t.teardown(() => device.connection.stop());
    await device.start();
    for (const name of ['s1', 's2'])
      await startServer(t, broker.url, name, { report: { statusIntervalS: 0.2 } });
    await until('both servers', () => device.statuses.size === 2, PATIENCE_MS);
    for (const { protocol } of device.statuses.values()) t.equal(protocol, PROTOCOL);
    const frames = Array.from({ length: 10 }, (_, n) => `f${n}`);
    for (const frameId of frames) await device.ask(frameId);
    await until('all answers', () => device.answers.length >= frames.length, PATIENCE_MS);
    await until('the count', () => device.legacy() >= frames.length, PATIENCE_MS);
    t.same(device.answers.map(({ frameId }) => frameId).sort(), frames, 'one answer each');
    t.equal(device.legacy(), frames.length);
  },
);

t.test('a server that is told so answers nothing of protocol 1', { skip }, async (t) => {
  const broker = await startMosquitto();
  t.teardown(() => broker.stop());
  const device = new OldDevice(broker.url);
  t.teardown(() => device.connection.stop());
  await device.start();
  await startServer(t, broker.url, 's1', { legacy: false, report: { statusIntervalS: 0.2 } });
  await until('the server', () => device.statuses.size === 1, PATIENCE_MS);
  await device.ask('f1');
  const answers: string[] = [];
  await device.connection.subscribe('edgemux/answer/s1/old/+', {}, ({ topic }) => void answers.push(topic));
  await device.connection.publish('edgemux/offload/s1/fashion-mnist/old/f2/20000', await jpegOf(0), {
    qos: 1,
  });
  await until('the answer to what came after', () => answers.length === 1, PATIENCE_MS);
  t.same(device.answers, []);
  t.equal(device.legacy(), 0);
});
