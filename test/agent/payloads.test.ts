/** What cameras really send, through a whole device: as JSON, as text, and in pieces. */
import t from 'tap';
import { startAedes } from '../support/broker.js';
import { jpegOf, Outside, startDevice } from '../support/system.js';

const END = Buffer.from([0xff, 0xd9]);

t.test(
  'with cameras.damaged: answer a JPEG of which a part is missing is answered, and marked',
  async (t) => {
    const broker = await startAedes();
    t.teardown(() => broker.stop());
    const outside = await Outside.connect(t, broker.url, 'd');
    await startDevice(t, broker.url, {
      device: 'd',
      policy: { mode: 'mobile-only' },
      cameras: { damaged: 'answer' },
    });
    const jpeg = await jpegOf(0);
    await outside.publishFrame('torn', Buffer.concat([jpeg.subarray(0, -20), END]));
    t.ok(await outside.untilResults(1));
    t.equal(outside.results[0]?.damaged, true);
    await outside.publishFrame('whole', jpeg.subarray(0, -2));
    t.ok(await outside.untilResults(2));
    t.equal(outside.results[1]?.damaged, undefined, 'one that lacks only its end marker is whole');
    t.ok(await outside.untilState(({ counters }) => counters.results === 2));
    t.same(outside.state?.counters.drops, {});
  },
);

t.test('the member that cameras.payloadPath names is the image, and bytes are still taken', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const outside = await Outside.connect(t, broker.url, 'd');
  await startDevice(t, broker.url, {
    device: 'd',
    policy: { mode: 'mobile-only' },
    cameras: { payloadPath: 'params.image' },
  });
  const jpeg = Buffer.from(await jpegOf(0));
  const payloads = {
    'json-base64': JSON.stringify({ params: { at: 1, image: jpeg.toString('base64') } }),
    'json-buffer': JSON.stringify({ params: { image: jpeg } }),
    'node-red': JSON.stringify(jpeg),
    bytes: jpeg,
  };
  for (const [camera, payload] of Object.entries(payloads)) await outside.publishFrame(camera, payload);
  t.ok(await outside.untilResults(4));
  t.same(outside.results.map(({ camera }) => camera).sort(), Object.keys(payloads).sort());
  t.equal(new Set(outside.results.map(({ imageSha256 }) => imageSha256)).size, 1, 'all the same image');
  await outside.publishFrame('other', JSON.stringify({ image: jpeg.toString('base64') }));
  t.ok(await outside.untilState(({ counters }) => counters.refused['not-an-image'] === 1));
});
