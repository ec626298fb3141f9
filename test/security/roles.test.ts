import { execFileSync } from 'node:child_process';
import t from 'tap';
import type { Message } from '../../protocol/connection/connection.js';
import { withoutMosquitto } from '../support/broker.js';
import { collect, textOf } from '../support/broker-watch.js';
import { until } from '../support/until.js';
import { connectionOf, rightsOf, startBrokerWith, type Role } from './accounts.js';

const skip = withoutMosquitto();

const device = (name: string): string[] =>
  ['result/door', 'status', 'state', 'power', 'policy', 'policy/set'].map(
    (rest) => `edgemux/${name}/${rest}`,
  );
const server = (name: string): string[] =>
  ['status', 'policy', 'policy/set'].map((rest) => `edgemux/cloud/${name}/${rest}`);

const request = (asked: string, from: string): string => `edgemux/offload/${asked}/zoo/${from}/f/100`;
const answer = (from: string, to: string): string => `edgemux/answer/${from}/${to}/f`;

/** Every kind of topic of the contract, of ourselves (1) and of somebody else (2), and topics of nobody. */
const TOPICS = [
  ...['cameras/cam1/frame', 'cameras/cam2/frame', ...device('dev1'), ...device('dev2')],
  ...['srv1', 'srv2', 'any'].flatMap((asked) => [request(asked, 'dev1'), request(asked, 'dev2')]),
  ...['edgemux/offload/zoo/dev1/f/100', 'edgemux/answer/dev1/f'],
  ...['srv1', 'srv2'].flatMap((name) => [answer(name, 'dev1'), answer(name, 'dev2'), ...server(name)]),
  ...[
    'edgemux/probe/srv1/x/shared',
    'edgemux/probe/srv2/x/shared',
    'edgemux/answer/srv1/dev1/f/deeper',
    'cameras/cam1/frame/deeper',
  ],
  ...['edgemux', 'edgemux/dev1', 'homeassistant/sensor/x/config', 'something/else'],
];

const SEEN_BY_READERS = TOPICS.filter(
  (topic) =>
    /^edgemux\/dev\d\/(result\/door|status|state|power|policy)$/.test(topic) ||
    /srv\d\/(status|policy)$/.test(topic),
);

/** Name and role of each account, and exactly what it may publish and read. */
const ACCOUNTS: Record<string, { role: Role; publish: string[]; read: string[] }> = {
  cam1: { role: 'camera', publish: ['cameras/cam1/frame'], read: [] },
  dev1: {
    role: 'device',
    publish: [
      ...device('dev1').filter((topic) => !topic.endsWith('/set')),
      ...['srv1', 'srv2', 'any'].map((asked) => request(asked, 'dev1')),
    ],
    read: [
      ...['cameras/cam1/frame', 'cameras/cam2/frame', 'edgemux/dev1/status', 'edgemux/dev1/state'],
      'edgemux/dev1/policy/set',
      ...[
        answer('srv1', 'dev1'),
        answer('srv2', 'dev1'),
        'edgemux/cloud/srv1/status',
        'edgemux/cloud/srv2/status',
      ],
    ],
  },
  srv1: {
    role: 'server',
    publish: [
      ...[answer('srv1', 'dev1'), answer('srv1', 'dev2'), 'edgemux/cloud/srv1/status'],
      ...['edgemux/cloud/srv1/policy', 'edgemux/probe/srv1/x/shared'],
    ],
    read: [
      ...['edgemux/dev1/status', 'edgemux/dev2/status'],
      ...[request('srv1', 'dev1'), request('srv1', 'dev2'), 'edgemux/cloud/srv1/status'],
      ...['edgemux/cloud/srv1/policy/set', 'edgemux/probe/srv1/x/shared'],
    ],
  },
  reader1: { role: 'reader', publish: [], read: SEEN_BY_READERS },
  operator1: {
    role: 'operator',
    publish: TOPICS.filter((topic) => topic.endsWith('/policy/set')),
    read: SEEN_BY_READERS,
  },
};

const sorted = (topics: Iterable<string>): string[] => [...topics].sort();

t.test('on a real broker each role can do its work and nothing else', { skip }, async (t) => {
  t.testdir();
  const roles = Object.fromEntries(Object.entries(ACCOUNTS).map(([name, { role }]) => [name, role]));
  const broker = await startBrokerWith(t, roles);
  const everything = await connectionOf(t, broker, 'everything');
  const seen = await collect(everything, '#');
  let round = 0;
  /** Resolves when the observer has seen all that came before. */
  const settled = async (): Promise<void> => {
    const mark = `mark ${(round += 1)}`;
    await everything.publish('mark', mark, { qos: 1 });
    await until(mark, () => seen.some((message) => textOf(message) === mark));
  };
  for (const [name, { publish, read }] of Object.entries(ACCOUNTS)) {
    const account = await connectionOf(t, broker, name);
    for (const topic of TOPICS) await account.publish(topic, `from ${name}`, { qos: 1 });
    await settled();
    const came = seen.filter((message) => textOf(message) === `from ${name}`).map(({ topic }) => topic);
    t.same(sorted(came), sorted(publish), `${name} publishes there and nowhere else`);

    const heard: Message[] = await collect(account, '#');
    for (const topic of TOPICS) await everything.publish(topic, `to ${name}`, { qos: 1 });
    await account.subscribe(`round/trip/${name}`, { qos: 1 }, () => undefined); // its answer comes after what was sent before
    const got = heard.filter((message) => textOf(message) === `to ${name}`).map(({ topic }) => topic);
    t.same(sorted(new Set(got)), sorted(read), `${name} hears that and nothing else`);
    await account.stop();
  }
});

t.test('without an account, or with the password of another, nobody gets in', { skip }, async (t) => {
  t.testdir();
  const broker = await startBrokerWith(t, { dev1: 'device' });
  const { connectionTo } = await import('../support/broker-watch.js');
  for (const options of [
    {},
    { username: 'dev1', password: 'guess' },
    { username: 'nobody', password: 'x' },
  ]) {
    const stranger = connectionTo(broker.url, options);
    stranger.start();
    await until('a refusal', () => stranger.lastFailure !== null);
    t.match(stranger.lastFailure, { code: 'BROKER_UNREACHABLE', details: { kind: 'credentials' } });
    t.not(stranger.state, 'online');
    await stranger.stop();
  }
});

t.test('an account cannot take over the connection of another one by its client id', { skip }, async (t) => {
  t.testdir();
  const broker = await startBrokerWith(t, { dev1: 'device', cam1: 'camera' });
  const { connected } = await import('../support/broker-watch.js');
  const { passwordOf } = await import('./accounts.js');
  const as = (username: string) =>
    connected(broker.url, { clientId: 'edgemux-dev1', username, password: passwordOf(username) });
  const [victim, thief] = [await as('dev1'), await as('cam1')];
  await victim.publish('edgemux/dev1/state', '{}', { qos: 1 });
  t.equal(victim.state, 'online');
  t.equal(victim.lastFailure, null, 'it was never thrown out');
  await Promise.all([victim.stop(), thief.stop()]);
});

t.test('the script refuses roles, names and bases that would grant more than they say', async (t) => {
  t.match(rightsOf('camera', 'door'), /^user door\ntopic write cameras\/door\/frame\n\n$/);
  for (const [role, name] of [
    ['admin', 'x'],
    ['camera', '+'],
    ['camera', '#'],
    ['camera', 'a b'],
    ['camera', 'a/b'],
    ['camera', 'a\nuser b'],
    ['camera', ''],
    ['camera', 'x'.repeat(65)],
    ['device', 'cloud'],
    ['server', 'any'],
    ['server-share', 'any'],
    ['device-legacy', 'cloud'],
  ] as const) {
    t.throws(() => rightsOf(role, name), { message: /\nacl\.sh: / }, `${role} ${JSON.stringify(name)}`);
  }
  const base = () => execFileSync('sh', ['systemd/mosquitto/acl.sh', 'reader', 'x', '#'], { stdio: 'pipe' });
  t.throws(base, { message: /\nacl\.sh: / });
});
