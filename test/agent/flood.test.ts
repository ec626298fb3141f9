import t from 'tap';
import { encodePng } from '../../mux/image/image.js';
import { startAedes } from '../support/broker.js';
import { jpegOf, Outside, shippedZoo, startDevice } from '../support/system.js';

t.test('a flooding camera costs the quiet ones nothing, and every frame has its end', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const outside = await Outside.connect(t, broker.url, 'd');
  await startDevice(t, broker.url, { device: 'd', policy: { mode: 'mobile-only' } });
  t.ok(await outside.untilState(() => true));
  const flood = 400;
  const quiet = 8;
  const jpeg = await jpegOf(3);
  const sent: Promise<void>[] = [];
  for (let n = 0; n < flood; n += 1) {
    sent.push(outside.publishFrame('loud', jpeg));
    if (n % (flood / quiet) === 0) sent.push(outside.publishFrame(`quiet-${n}`, jpeg));
  }
  await Promise.all(sent);
  const ended = (): number => {
    const { results = 0, drops = {} } = outside.state?.counters ?? {};
    return results + Object.values(drops).reduce((sum, n) => sum + n, 0);
  };
  t.ok(await outside.until(() => ended() === flood + quiet), 'admitted = results + drops');
  t.equal(outside.state?.counters.admitted, flood + quiet);
  t.ok((outside.state?.counters.drops['superseded'] ?? 0) > 0, 'newer frames replaced waiting ones');
  t.ok(await outside.until(() => outside.results.length === outside.state?.counters.results));
  const cameras = new Set(outside.results.map((result) => result.camera));
  t.equal(
    [...cameras].filter((camera) => camera.startsWith('quiet')).length,
    quiet,
    'each quiet frame was answered',
  );
  t.equal(new Set(outside.results.map((result) => result.frameId)).size, outside.results.length);
});

t.test('a frame that passes the check and cannot be decoded is a counted drop', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const outside = await Outside.connect(t, broker.url, 'd');
  await startDevice(t, broker.url, { device: 'd', policy: { mode: 'mobile-only' } });
  const { zoo, test } = await shippedZoo();
  const noise = Buffer.from(await encodePng(test.images(0), zoo.input));
  noise.fill(0x55, noise.indexOf('IDAT') + 4, noise.indexOf('IEND') - 8); // compressed pixels become nonsense
  await outside.publishFrame('cam', noise);
  t.ok(await outside.untilState(({ counters }) => counters.drops['undecodable'] === 1));
  t.equal(outside.state?.counters.admitted, 1);
  await outside.publishFrame('cam', await jpegOf(0));
  t.ok(await outside.untilResults(1), 'the next frame is answered');
});
