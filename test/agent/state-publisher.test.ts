/** A state that is larger than the broker takes, on real brokers. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { StatePublisher } from '../../agent/state-publisher.js';
import { shortened } from '../../agent/state-size.js';
import { systemClock } from '../../common/clock.js';
import { isEdgemuxError } from '../../common/errors.js';
import { silentLog } from '../../common/log.js';
import type { Connection, Message } from '../../protocol/connection/connection.js';
import { parseDeviceState, type DeviceState } from '../../protocol/messages.js';
import { startMosquitto, withoutMosquitto } from '../support/broker.js';
import { collect, connected, connectionTo } from '../support/broker-watch.js';
import { until } from '../support/until.js';

t.setTimeout(170_000);
const skip = withoutMosquitto();
const TOPIC = 'site/d1/state';
const VERSIONS = [4, 5] as const;

/** The state of the contract's page, of a device that has a lot to say: some 4 kB. */
function longState(): DeviceState {
  const [, example = ''] = /```json state\n([^]+?)```/.exec(readFileSync('docs/protocol.md', 'utf8')) ?? [];
  const state = parseDeviceState(Buffer.from(example));
  const warnings = Array.from({ length: 20 }, (_, at) => `warning ${at}: ${'x'.repeat(100)}`);
  return { ...state, health: { status: 'warning', warnings }, host: { facts: 'y'.repeat(1000) } };
}

/** A publisher on its way to a mosquitto with these lines; the function returned tells what has arrived. */
async function publisherTo(
  t: Test,
  lines: string[],
  version: 4 | 5,
): Promise<{ states: () => DeviceState[]; connection: Connection }> {
  const broker = await startMosquitto({ lines });
  const watcher = await connected(broker.url);
  const connection = connectionTo(broker.url, { version });
  t.teardown(async () => {
    await Promise.all([connection.stop(), watcher.stop()]);
    await broker.stop();
  });
  const seen: Message[] = await collect(watcher, TOPIC);
  const publisher = new StatePublisher({
    log: silentLog(),
    clock: systemClock,
    connection,
    topic: TOPIC,
    state: longState,
  });
  publisher.start();
  connection.start();
  return { connection, states: () => seen.map(({ payload }) => parseDeviceState(payload)) };
}

t.test('each step is shorter, and a state still', async (t) => {
  const lengths = [0, 1, 2].map((level) => JSON.stringify(shortened(longState(), level)).length);
  t.ok(lengths[0]! > 2 * lengths[1]! && lengths[1]! > 1.3 * lengths[2]!, lengths.join(', '));
  t.same(shortened(longState(), 0), longState());
  const least = parseDeviceState(Buffer.from(JSON.stringify(shortened(longState(), 2))));
  t.ok(lengths[2]! < 950, 'what is none is left out of the shortest');
  t.match(least, { shortened: true, health: { status: 'warning' }, counters: longState().counters });
});

for (const version of VERSIONS) {
  t.test(`a broker without a limit has the whole state over MQTT ${version}`, { skip }, async (t) => {
    const { states } = await publisherTo(t, [], version);
    await until('a state', () => states().length > 0);
    t.equal(states()[0]?.shortened, undefined);
  });
  // The first limits the payload: MQTT 3.1.1 acknowledges what is dropped. The second limits the packet, and the broker hangs up.
  for (const limit of ['message_size_limit 1300', 'max_packet_size 1300']) {
    t.test(`with ${limit} the state is shortened over MQTT ${version}`, { skip }, async (t) => {
      const { states } = await publisherTo(t, [limit], version);
      await until('a state', () => states().length > 0);
      t.match(states()[0], { shortened: true, health: { status: 'warning' } });
    });
  }
}

t.test('what MQTT 3.1.1 acknowledges and drops is not lost: the limit is found out', { skip }, async (t) => {
  const { connection } = await publisherTo(t, ['message_size_limit 1300'], 4);
  const tooLong = (): Promise<void> => connection.publish('site/d1/result/c', 'x'.repeat(1301), { qos: 1 });
  await until('a refusal for its length', () =>
    tooLong().then(
      () => false,
      (error: unknown) => isEdgemuxError(error, 'MESSAGE_INVALID'),
    ),
  );
  await t.rejects(tooLong(), { message: /larger than the 1[23]\d\d bytes the broker takes/ });
  await t.resolves(connection.publish('site/d1/result/c', 'x'.repeat(1200), { qos: 1 }));
});

t.test('a user that may not read its own state says it whole', { skip }, async (t) => {
  const acl = join(t.testdir(), 'acl');
  const rights = [`topic write ${TOPIC}`, 'user watcher', 'topic read #', ''].join('\n');
  writeFileSync(acl, rights, { mode: 0o600 });
  const broker = await startMosquitto({ lines: [`acl_file ${acl}`] });
  const watcher = await connected(broker.url, { username: 'watcher' });
  const connection = connectionTo(broker.url, { version: 4 });
  t.teardown(async () => {
    await Promise.all([connection.stop(), watcher.stop()]);
    await broker.stop();
  });
  const seen = await collect(watcher, TOPIC);
  new StatePublisher({
    log: silentLog(),
    clock: systemClock,
    connection,
    topic: TOPIC,
    state: longState,
  }).start();
  connection.start();
  await until('the whole state after the shorter ones', () => seen.length === 4);
  t.same(
    seen.map(({ payload }) => parseDeviceState(payload).shortened),
    [undefined, true, true, undefined],
  );
});
