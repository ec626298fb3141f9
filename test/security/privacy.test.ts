import t, { type Test } from 'tap';
import { decodeImage, encodePng } from '../../mux/image/image.js';
import type { Message } from '../../protocol/connection/connection.js';
import { startAedes, startMosquitto, withoutMosquitto, type TestBroker } from '../support/broker.js';
import { collect, connected, textOf } from '../support/broker-watch.js';
import { jpegOf, Outside, shippedZoo, startDevice, startServer } from '../support/system.js';

const FRAMES = 60;
/** So many bytes of an image in a message are no chance. */
const PIECE_BYTES = 24;

/** Whether a message carries the image in any form that we can send: as it came, as text, re-encoded, or a part of it. */
function carries(message: Message, forms: readonly Uint8Array[]): boolean {
  const payload = Buffer.from(message.payload);
  return forms.some((form) => {
    const bytes = Buffer.from(form);
    for (let at = PIECE_BYTES; at + PIECE_BYTES <= bytes.length; at += PIECE_BYTES) {
      if (payload.includes(bytes.subarray(at, at + PIECE_BYTES))) return true;
    }
    const text = bytes.toString('base64');
    return payload.includes(text.slice(text.length >> 1, (text.length >> 1) + 2 * PIECE_BYTES));
  });
}

async function watchFrames(broker: TestBroker, t: Test, privacy: 'normal' | 'strict') {
  const outside = await Outside.connect(t, broker.url, 'd');
  const watcher = await connected(broker.url); // one of its own: some brokers send twice where two filters select a topic
  t.teardown(() => watcher.stop());
  const seen = await collect(watcher, '#');
  await startServer(t, broker.url, 's');
  await startDevice(t, broker.url, {
    device: 'd',
    policy: { mode: 'three-tier', privacy },
    offload: { deadlineMs: 20_000 },
  });
  t.ok(await outside.untilServed());
  const { zoo } = await shippedZoo();
  const kept: string[] = [];
  let sent = 0;
  for (let n = 0; n < FRAMES; n += 1) {
    const jpeg = await jpegOf(n);
    const from = seen.length;
    await outside.publishFrame('cam', jpeg);
    t.ok(await outside.untilResults(n + 1));
    const result = outside.results[n];
    await outside.until(() =>
      seen.slice(from).some((message) => textOf(message).includes(`"${result?.frameId}"`)),
    );
    const pixels = await decodeImage(jpeg, zoo.input, { maxPixels: 1e6 });
    // a PNG's head is the same for all images of one size; what follows is its own
    const reencoded = (await encodePng(pixels, zoo.input)).subarray(41);
    const said = seen.slice(from).filter(({ topic }) => !topic.startsWith('cameras/'));
    const told = said.filter((message) => carries(message, [jpeg.subarray(200), reencoded, pixels]));
    if (result?.route === 'cloud') sent += told.length > 0 ? 1 : 0;
    else kept.push(...told.map(({ topic }) => `${result?.reason} frame on ${topic}`));
  }
  return { routes: outside.results.map(({ route }) => route), kept, sent };
}

t.test('kept frames never leave the device: their bytes appear in no message on the broker', async (t) => {
  const broker = withoutMosquitto() ? await startAedes() : await startMosquitto();
  t.teardown(() => broker.stop());
  const { routes, kept, sent } = await watchFrames(broker, t, 'normal');
  const cloud = routes.filter((route) => route === 'cloud').length;
  t.ok(cloud >= 1 && cloud < FRAMES, `${cloud} of ${FRAMES} frames were offloaded: both kinds were watched`);
  t.equal(sent, cloud, 'the watch finds the image of every offloaded frame, so it would find a kept one');
  t.same(kept, []);
});

t.test('with strict privacy no frame leaves the device, however hard', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const { routes, kept } = await watchFrames(broker, t, 'strict');
  t.notOk(routes.includes('cloud'));
  t.same(kept, []);
});
