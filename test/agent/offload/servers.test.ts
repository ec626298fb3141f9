import t from 'tap';
import { Servers } from '../../../agent/offload/servers.js';
import { delivered } from '../support/fake-connection.js';
import { serverStatus } from '../support/server-status.js';
import { spyLog } from '../support/spy-log.js';

const ZOO = { name: 'fashion', hash: 'abc', models: ['resnet12'] };
const OFFLINE = delivered('edgemux/cloud/s/status', { state: 'offline' });
type Change = Parameters<typeof serverStatus>[1];
const online = (server: string, change: Change = {}) => serverStatus(ZOO, { server, ...change });

function build() {
  const log = spyLog();
  const servers = new Servers({ log }, ZOO);
  const told: string[] = [];
  servers.onGone((server) => told.push(`${server} gone`));
  servers.onStatus(({ server }, came) => {
    if (came) told.push(`${server} came`);
  });
  return { servers, told, said: log.said };
}

t.test('a server of the same zoo is usable, and comes once however often it says so', async (t) => {
  const { servers, told } = build();
  t.equal(servers.available, false);
  t.same(servers.list(), []);
  servers.receive('s1', online('s1'));
  servers.receive('s1', online('s1'));
  t.equal(servers.available, true);
  t.same(told, ['s1 came']);
  t.same(servers.list(), [{ server: 's1', state: 'online', zooHash: 'abc', usable: true }]);
  servers.receive('s2', online('s2'));
  t.same(told, ['s1 came', 's2 came'], 'another one is news');
});

t.test('a server of another zoo is seen and not asked', async (t) => {
  const { servers, told, said } = build();
  servers.receive('s1', online('s1', { zoo: 'cats' }));
  t.equal(servers.available, false);
  t.same(servers.list(), [{ server: 's1', state: 'online', zooHash: 'abc', usable: false }]);
  t.same([told, said.warn], [[], []], 'it is nobody’s fault');
});

t.test('another version of the zoo is not asked either, and one is told so once a server', async (t) => {
  const { servers, told, said } = build();
  for (const name of ['s1', 's1', 's2']) servers.receive(name, online(name, { zooHash: 'def' }));
  t.equal(servers.available, false);
  t.match(servers.list()[0], { zooHash: 'def', usable: false });
  t.equal(said.warn.length, 2);
  t.match(said.warn[0], /another version of this zoo .* give both sides the same zoo folder/);
  t.same(told, []);
  servers.receive('s1', online('s1'));
  t.equal(servers.available, true, 'with the right one it is asked');
});

t.test('a server that changes to another version of the zoo has left', async (t) => {
  const { servers, told } = build();
  servers.receive('s1', online('s1'));
  servers.receive('s1', online('s1', { zooHash: 'def' }));
  t.equal(servers.available, false);
  t.same(told, ['s1 came'], 'it still answers what it has');
  servers.receive('s1', online('s1'));
  t.same(told, ['s1 came', 's1 came']);
});

t.test(
  'a draining server is asked no more but still answers; what it was asked is lost when it is gone',
  async (t) => {
    const { servers, told, said } = build();
    servers.receive('s1', online('s1'));
    servers.receive('s1', online('s1', { state: 'draining' }));
    t.equal(servers.available, false);
    t.match(servers.list()[0], { state: 'draining', usable: false });
    t.same(told, ['s1 came']);
    t.match(servers.live('s1'), { state: 'draining' });
    servers.receive('s1', OFFLINE);
    t.same(told, ['s1 came', 's1 gone']);
    t.strictSame(servers.list(), [{ server: 's1', state: 'offline', zooHash: null, usable: false }]);
    t.same(said.warn, ['server has left'], 'said once, when it stopped taking requests');
  },
);

t.test('only what a server was asked is lost with it', async (t) => {
  const { servers, told } = build();
  servers.receive('s1', online('s1'));
  servers.receive('s2', online('s2'));
  servers.receive('s1', OFFLINE);
  t.equal(servers.available, true);
  t.same(told, ['s1 came', 's2 came', 's1 gone']);
  servers.receive('s2', OFFLINE);
  t.same(told, ['s1 came', 's2 came', 's1 gone', 's2 gone']);
});

t.test('an unreadable status changes nothing', async (t) => {
  const { servers, told, said } = build();
  servers.receive('s1', online('s1'));
  for (const payload of ['', '{', 'online', '[]', '{"state":"online"}', { state: 'asleep' }])
    servers.receive('s1', delivered('edgemux/cloud/s1/status', payload));
  t.equal(servers.available, true);
  t.same(told, ['s1 came']);
  t.equal(said.warn.filter((text) => /unreadable/.test(text)).length, 6);
});

t.test('with the connection every server is forgotten', async (t) => {
  const { servers, told } = build();
  servers.clear();
  t.same(told, [], 'there was none to lose');
  servers.receive('s1', online('s1'));
  servers.clear();
  t.same(told, ['s1 came', 's1 gone']);
  t.equal(servers.available, false);
  t.same(servers.list(), []);
  servers.receive('s1', online('s1'));
  t.same(told, ['s1 came', 's1 gone', 's1 came'], 'its retained status comes again with the next connection');
});

t.test('made-up names fill neither memory nor state: at most 256 servers', async (t) => {
  const { servers, told, said } = build();
  for (let n = 0; n < 256; n += 1) servers.receive(`s${n}`, online(`s${n}`, { zoo: 'cats' }));
  t.equal(servers.list().length, 256);
  servers.receive('late', online('late'));
  t.equal(servers.available, false);
  t.equal(servers.list().length, 256);
  t.same(said.warn, ['one server too many is ignored']);
  servers.receive('s7', online('s7', { zoo: 'cats', state: 'draining' }));
  t.match(servers.list()[7], { server: 's7', state: 'draining' }, 'known ones are still heard');
  servers.receive('late', online('late'));
  t.equal(servers.available, false, 'one that is draining is not gone');
  servers.receive('s9', OFFLINE);
  servers.receive('late', online('late'));
  t.equal(servers.available, true, 'one that is gone makes room');
  t.equal(servers.list().length, 256);
  t.notOk(servers.list().some(({ server }) => server === 's9'));
  t.same(
    told.filter((what) => what.endsWith('came')),
    ['late came'],
  );
});

t.test('warnings of wrong versions are bounded too', async (t) => {
  const { servers, said } = build();
  for (let n = 0; n < 300; n += 1) {
    servers.receive(`s${n}`, online(`s${n}`, { zooHash: 'def' }));
    servers.receive(`s${n}`, OFFLINE);
  }
  t.equal(said.warn.filter((text) => /another version/.test(text)).length, 256);
});

t.test('a server speaks for itself alone, and of models that its zoo has', async (t) => {
  const { servers, told, said } = build();
  servers.receive('s1', online('s2'));
  servers.receive('s2', online('s2', { models: ['resnet12', '=HYPERLINK("http://evil")'] }));
  t.same([servers.list(), told], [[], []]);
  t.equal(said.warn.filter((text) => /not what this server can say/.test(text)).length, 2);
  servers.receive('s1', online('s1'));
  servers.receive('s1', online('s2'));
  t.same(
    servers.usable.map(({ server }) => server),
    ['s1'],
    'what it said itself still counts',
  );
});

t.test('a server of another protocol is not asked, and one is told what to upgrade', async (t) => {
  for (const [protocol, text] of [
    [
      1,
      /^server s1 \(edgemux 0\.1\.0\) speaks protocol 1 and is not asked, this device 2: upgrade the server$/,
    ],
    [3, /speaks protocol 3 and is not asked, this device 2: upgrade the device$/],
  ] as const) {
    const { servers, said } = build();
    servers.receive('s1', online('s1', { protocol }));
    t.match(servers.list(), [{ server: 's1', state: 'online', usable: false }]);
    t.match(said.warn, [text]);
    t.match(servers.problem, text);
    servers.receive('s1', online('s1'));
    t.equal(servers.problem, null);
    t.equal(servers.available, true);
  }
  const { servers } = build();
  const said = JSON.parse(Buffer.from(online('s1').payload).toString()) as Record<string, unknown>;
  delete said['protocol'];
  servers.receive('s1', delivered('edgemux/cloud/s1/status', said));
  t.match(servers.problem, /speaks protocol 1 /, 'as edgemux 0.1.0 announces itself');
});
