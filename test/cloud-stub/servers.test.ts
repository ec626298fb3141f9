/** Several servers behind one mosquitto: they share, one dies, one leaves, one joins. */
import t, { type Test } from 'tap';
import { startMosquitto, withoutMosquitto, type TestBroker } from '../support/broker.js';
import { jpegOf, Outside, startDevice } from '../support/system.js';
import { Asker } from './support/asker.js';
import { tinyImages, writeGroupZoo } from './support/group-zoo.js';
import { startServerProcess } from './support/server-process.js';

const skip = withoutMosquitto();

async function mosquitto(t: Test): Promise<TestBroker> {
  const broker = await startMosquitto();
  t.teardown(() => broker.stop());
  return broker;
}

t.test(
  'kill -9 of one of two servers under load: every frame has exactly one result',
  { skip },
  async (t) => {
    const broker = await mosquitto(t);
    t.testdir();
    const asker = await Asker.connect(t, broker.url, 'watch');
    const servers = ['one', 'two'].map((name) => startServerProcess(t, broker.url, name));
    t.ok(await asker.untilOnline('one', 'two'));
    const [cameras, frames] = [4, 20];
    const devices = await Promise.all(
      ['d1', 'd2'].map(async (device) => {
        const outside = await Outside.connect(t, broker.url, device);
        await startDevice(t, broker.url, {
          device,
          policy: { mode: 'cloud-only' },
          offload: { deadlineMs: 1500 },
          cameras: { topics: [`cameras/${device}/{camera}`] },
          dataDir: `${t.testdirName}/${device}`,
        });
        t.ok(await outside.untilServed());
        return { device, outside };
      }),
    );
    const jpeg = await jpegOf(0);
    const total = (): number => devices.reduce((sum, { outside }) => sum + outside.results.length, 0);
    // each camera sends its next frame when it has the result of its last
    const loops = devices.flatMap(({ device, outside }) =>
      Array.from({ length: cameras }, async (_, camera) => {
        const own = (): number => outside.results.filter((result) => result.camera === `c${camera}`).length;
        for (let n = 1; n <= frames; n += 1) {
          await outside.connection.publish(`cameras/${device}/c${camera}`, jpeg, { qos: 1 });
          if (!(await outside.until(() => own() >= n))) return;
        }
      }),
    );
    const worked = (server: string): number => asker.live(server)?.counters['answers'] ?? 0;
    t.ok(await asker.until(() => worked('one') > 0 && worked('two') > 0), 'both work');
    servers[0]?.signal('SIGKILL');
    const before = worked('two');
    await Promise.all(loops);
    t.ok(await asker.until(() => worked('two') > before), 'the other goes on');
    t.equal(total(), devices.length * cameras * frames);
    for (const { outside } of devices) {
      const { results } = outside;
      t.equal(new Set(results.map(({ frameId }) => frameId)).size, cameras * frames, 'one result a frame');
      t.ok(results.every(({ route }) => route === 'cloud' || route === 'fallback'));
      t.ok(results.some(({ route }) => route === 'cloud'));
      t.ok(
        await outside.untilState(({ counters }) => counters.admitted === results.length),
        'nothing was dropped',
      );
    }
    t.equal(asker.statuses.get('one')?.state, 'offline', 'the broker says that it is gone');
  },
);

t.test('a server that leaves answers what it has, and no request is lost or refused', { skip }, async (t) => {
  const broker = await mosquitto(t);
  const zoo = await writeGroupZoo(t.testdir({ zoo: {} }) + '/zoo');
  const asker = await Asker.connect(t, broker.url, 'd');
  const one = startServerProcess(t, broker.url, 'one', { zoo });
  startServerProcess(t, broker.url, 'two', { zoo });
  t.ok(await asker.untilOnline('one', 'two'));
  const images = await tinyImages(20);
  const ids: string[] = [];
  let gone = false;
  void one.ended.then(() => (gone = true));
  one.signal('SIGTERM');
  while (!gone) {
    // never more than a queue holds, however slow the machine: what is refused then says nothing about the leaving
    const waiting = ids.filter((id) => !asker.got.has(id)).length;
    if (waiting < 40) for (const { png } of images.slice(0, 4)) ids.push(asker.ask(png));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  t.ok(await asker.until(() => ids.every((id) => asker.got.has(id))), `${ids.length} requests`);
  t.same(asker.refusals(), []);
  t.equal(asker.doubled, 0);
  t.equal(await one.ended, 0);
  t.equal(asker.statuses.get('one')?.state, 'offline');
  const by = new Set(asker.answers().map(({ server }) => server));
  t.ok(by.has('one') && by.has('two'), 'both have answered');
});

t.test('a server that joins gets work at once', { skip }, async (t) => {
  const broker = await mosquitto(t);
  const zoo = await writeGroupZoo(t.testdir({ zoo: {} }) + '/zoo');
  const asker = await Asker.connect(t, broker.url, 'd');
  startServerProcess(t, broker.url, 'one', { zoo });
  t.ok(await asker.untilOnline('one'));
  const images = (await tinyImages(10)).map(({ png }) => png);
  t.equal((await asker.askAll(images)).length, 10);
  startServerProcess(t, broker.url, 'two', { zoo });
  t.ok(await asker.untilOnline('two'));
  t.equal((await asker.askAll(images)).length, 10);
  t.ok(
    asker
      .answers()
      .slice(10)
      .some(({ server }) => server === 'two'),
  );
  t.same(asker.refusals(), []);
});
