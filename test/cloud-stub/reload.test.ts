/** Another zoo in the folder of a server that runs. */
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { startAedes } from '../support/broker.js';
import { startServer } from '../support/system.js';
import { Asker } from './support/asker.js';
import { loadGroupZoo, tinyImages, writeGroupZoo } from './support/group-zoo.js';
import { startServerProcess } from './support/server-process.js';

t.test('the zoo is exchanged under load without losing a request', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const dir = join(t.testdir({ zoo: {} }), 'zoo');
  await writeGroupZoo(dir, { version: '1' });
  const before = await loadGroupZoo(dir);
  const asker = await Asker.connect(t, broker.url, 'd');
  const server = await startServer(t, broker.url, 's', { zoo: dir, reload: { checkS: 0 } });
  t.ok(await asker.untilOnline('s'));
  const images = await tinyImages(8);
  await writeGroupZoo(dir, { version: '2', mode: 'single' });
  const after = await loadGroupZoo(dir);
  let reloaded = false;
  const reload = server.reload().then(() => (reloaded = true));
  const ids: string[] = [];
  while (!reloaded) {
    // few at a time, however slow the machine: a server with too much to do refuses, whatever zoo it has
    if (ids.filter((id) => !asker.got.has(id)).length < 40)
      ids.push(...images.map(({ png }) => asker.ask(png)));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await reload;
  t.ok(await asker.until(() => ids.every((id) => asker.got.has(id))));
  ids.push(...images.map(({ png }) => asker.ask(png)));
  t.ok(await asker.until(() => ids.every((id) => asker.got.has(id))));
  t.same(asker.refusals(), []);
  t.equal(asker.doubled, 0);
  const hashes = asker.answers().map(({ zooHash }) => zooHash);
  t.same(new Set(hashes), new Set([before.hash, after.hash]), 'the old one until the new one is there');
  t.ok(await asker.until(() => asker.live('s')?.zooHash === after.hash));
  t.match(asker.live('s'), {
    policy: { mode: 'single' },
    counters: { zoo_reloads: 1, zoo_reloads_failed: 0 },
  });
});

t.test(
  'a changed manifest is noticed; a zoo in pieces leaves the old one serving until it is whole',
  async (t) => {
    const broker = await startAedes();
    t.teardown(() => broker.stop());
    const dir = join(t.testdir({ zoo: {} }), 'zoo');
    await writeGroupZoo(dir, { version: '1' });
    const before = await loadGroupZoo(dir);
    const asker = await Asker.connect(t, broker.url, 'd');
    await startServer(t, broker.url, 's', {
      zoo: dir,
      reload: { checkS: 0.05 },
      report: { statusIntervalS: 0.1 },
    });
    t.ok(await asker.untilOnline('s'));
    const [image] = await tinyImages(1);
    const failed = (): number => asker.live('s')?.counters['zoo_reloads_failed'] ?? 0;
    await writeFile(join(dir, 'manifest.json'), '{"schema":1}');
    t.ok(await asker.until(() => failed() === 1), 'a manifest that is none');
    t.match(await asker.askAll([image!.png]), [{ zooHash: before.hash }]);
    await writeGroupZoo(`${dir}-new`, { version: '2' });
    await rm(join(dir, 'big.onnx'));
    await rename(`${dir}-new/manifest.json`, join(dir, 'manifest.json'));
    t.ok(await asker.until(() => failed() === 2), 'a model is missing');
    t.match(await asker.askAll([image!.png]), [{ zooHash: before.hash }]);
    await writeFile(join(dir, 'big.onnx'), await readFile(`${dir}-new/big.onnx`));
    const after = await loadGroupZoo(dir);
    t.ok(await asker.until(() => asker.live('s')?.zooHash === after.hash), 'whole');
    t.match(await asker.askAll([image!.png]), [{ zooHash: after.hash }]);
    await writeGroupZoo(dir, { name: 'other' });
    t.ok(await asker.until(() => failed() === 3), 'a zoo of another name is not for these devices');
    t.match(await asker.askAll([image!.png]), [{ zooHash: after.hash }]);
  },
);

t.test('SIGHUP makes the program load the zoo again', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const dir = join(t.testdir({ zoo: {} }), 'zoo');
  await writeGroupZoo(dir, { version: '1' });
  const asker = await Asker.connect(t, broker.url, 'd');
  const server = startServerProcess(t, broker.url, 's', { zoo: dir, reload: { checkS: 0 } });
  t.ok(await asker.untilOnline('s'));
  await writeGroupZoo(dir, { version: '2' });
  const { hash } = await loadGroupZoo(dir);
  server.signal('SIGHUP');
  t.ok(await asker.until(() => asker.live('s')?.zooHash === hash));
});
