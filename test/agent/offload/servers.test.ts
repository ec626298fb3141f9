import t from 'tap';
import { Servers } from '../../../agent/offload/servers.js';
import { delivered } from '../support/fake-connection.js';
import { serverStatus } from '../support/server-status.js';
import { spyLog } from '../support/spy-log.js';

const ZOO = { name: 'fashion', hash: 'abc' };
const OFFLINE = delivered('edgemux/cloud/s/status', { state: 'offline' });
const online = (change: Parameters<typeof serverStatus>[1] = {}) => serverStatus(ZOO, change);

function build() {
  const log = spyLog();
  const servers = new Servers({ log }, ZOO);
  const told: string[] = [];
  servers.onAway(() => told.push('away'));
  servers.onCame(() => told.push('came'));
  return { servers, told, said: log.said };
}

t.test('a server of the same zoo is usable, and comes once however often it says so', async (t) => {
  const { servers, told } = build();
  t.equal(servers.available, false);
  t.same(servers.list(), []);
  servers.receive('s1', online());
  servers.receive('s1', online());
  t.equal(servers.available, true);
  t.same(told, ['came']);
  t.same(servers.list(), [{ server: 's1', state: 'online', zooHash: 'abc', usable: true }]);
  servers.receive('s2', online());
  t.same(told, ['came', 'came'], 'another one is news');
});

t.test('a server of another zoo is seen and not asked', async (t) => {
  const { servers, told, said } = build();
  servers.receive('s1', online({ zoo: 'cats' }));
  t.equal(servers.available, false);
  t.same(servers.list(), [{ server: 's1', state: 'online', zooHash: 'abc', usable: false }]);
  t.same([told, said.warn], [[], []], 'it is nobody’s fault');
});

t.test('another version of the zoo is not asked either, and one is told so once a server', async (t) => {
  const { servers, told, said } = build();
  for (const name of ['s1', 's1', 's2']) servers.receive(name, online({ zooHash: 'def' }));
  t.equal(servers.available, false);
  t.match(servers.list()[0], { zooHash: 'def', usable: false });
  t.equal(said.warn.length, 2);
  t.match(said.warn[0], /another version of this zoo .* give both sides the same zoo folder/);
  t.same(told, []);
  servers.receive('s1', online());
  t.equal(servers.available, true, 'with the right one it is asked');
});

t.test('a server that changes to another version of the zoo has left', async (t) => {
  const { servers, told } = build();
  servers.receive('s1', online());
  servers.receive('s1', online({ zooHash: 'def' }));
  t.equal(servers.available, false);
  t.same(told, ['came'], 'it still answers what it has');
  servers.receive('s1', online());
  t.same(told, ['came', 'came']);
});

t.test(
  'a draining server is asked no more but still answers; requests are lost with the last one',
  async (t) => {
    const { servers, told, said } = build();
    servers.receive('s1', online());
    servers.receive('s1', online({ state: 'draining' }));
    t.equal(servers.available, false);
    t.match(servers.list()[0], { state: 'draining', usable: false });
    t.same(told, ['came']);
    servers.receive('s1', OFFLINE);
    t.same(told, ['came', 'away']);
    t.strictSame(servers.list(), [{ server: 's1', state: 'offline', zooHash: null, usable: false }]);
    t.same(said.warn, ['server has left'], 'said once, when it stopped taking requests');
  },
);

t.test('while another one is there nothing is lost', async (t) => {
  const { servers, told } = build();
  servers.receive('s1', online());
  servers.receive('s2', online());
  servers.receive('s1', OFFLINE);
  t.equal(servers.available, true);
  t.same(told, ['came', 'came']);
  servers.receive('s2', OFFLINE);
  t.same(told, ['came', 'came', 'away']);
});

t.test('an unreadable status changes nothing', async (t) => {
  const { servers, told, said } = build();
  servers.receive('s1', online());
  for (const payload of ['', '{', 'online', '[]', '{"state":"online"}', { state: 'asleep' }])
    servers.receive('s1', delivered('edgemux/cloud/s1/status', payload));
  t.equal(servers.available, true);
  t.same(told, ['came']);
  t.equal(said.warn.filter((text) => /unreadable/.test(text)).length, 6);
});

t.test('with the connection every server is forgotten', async (t) => {
  const { servers, told } = build();
  servers.clear();
  t.same(told, [], 'there was none to lose');
  servers.receive('s1', online());
  servers.clear();
  t.same(told, ['came', 'away']);
  t.equal(servers.available, false);
  t.same(servers.list(), []);
  servers.receive('s1', online());
  t.same(told, ['came', 'away', 'came'], 'its retained status comes again with the next connection');
});

t.test('made-up names fill neither memory nor state: at most 256 servers', async (t) => {
  const { servers, told, said } = build();
  for (let n = 0; n < 256; n += 1) servers.receive(`s${n}`, online({ zoo: 'cats' }));
  t.equal(servers.list().length, 256);
  servers.receive('late', online());
  t.equal(servers.available, false);
  t.equal(servers.list().length, 256);
  t.same(said.warn, ['one server too many is ignored']);
  servers.receive('s7', online({ zoo: 'cats', state: 'draining' }));
  t.match(servers.list()[7], { server: 's7', state: 'draining' }, 'known ones are still heard');
  servers.receive('late', online());
  t.equal(servers.available, false, 'one that is draining is not gone');
  servers.receive('s9', OFFLINE);
  servers.receive('late', online());
  t.equal(servers.available, true, 'one that is gone makes room');
  t.equal(servers.list().length, 256);
  t.notOk(servers.list().some(({ server }) => server === 's9'));
  t.same(told, ['came']);
});

t.test('warnings of wrong versions are bounded too', async (t) => {
  const { servers, said } = build();
  for (let n = 0; n < 300; n += 1) {
    servers.receive(`s${n}`, online({ zooHash: 'def' }));
    servers.receive(`s${n}`, OFFLINE);
  }
  t.equal(said.warn.filter((text) => /another version/.test(text)).length, 256);
});
