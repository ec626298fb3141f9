/** Parts of a camera's picture as frames of their own, from the configuration to the results. */
import { join } from 'node:path';
import t from 'tap';
import { agentConfigSchema } from '../../../agent/config.js';
import { checkImage } from '../../../mux/image/image-check.js';
import { partOf } from '../../../mux/image/part.js';
import { pictureOf } from '../../../mux/image/prepare.js';
import { startAedes } from '../../support/broker.js';
import { Outside, startDevice, startServer } from '../../support/system.js';
import { stripes, writeTwoSizes } from '../../support/two-sizes.js';

const LIMITS = { maxBytes: 1e7, maxPixels: 1e7 };
const third = { y: 0.1, width: 0.3, height: 0.8 };

t.test(
  'each region of a camera has a result of its own, of its own part; other cameras stay whole',
  async (t) => {
    const zoo = await writeTwoSizes(t.testdir());
    const broker = await startAedes();
    t.teardown(() => broker.stop());
    const outside = await Outside.connect(t, broker.url, 'd1');
    const uploads: { topic: string; payload: Uint8Array }[] = [];
    await outside.connection.subscribe('edgemux/offload/#', { qos: 0 }, (one) => void uploads.push(one));
    await startServer(t, broker.url, 's1', { zoo });
    await startDevice(t, broker.url, {
      device: 'd1',
      zoo,
      dataDir: join(zoo, 'data'),
      offload: { deadlineMs: 20_000 },
      policy: { mode: 'cloud-only' },
      cameras: {
        regions: { left: { camera: 'door', x: 0, ...third }, right: { camera: 'door', x: 0.7, ...third } },
      },
    });
    t.ok(await outside.untilServed());
    const picture = await stripes();
    await outside.publishFrame('door', picture);
    t.ok(await outside.untilResults(2));
    await outside.publishFrame('yard', picture);
    t.ok(await outside.untilResults(3));
    const answers = outside.results.map(({ camera, region, label, route }) => ({
      camera,
      region,
      label,
      route,
    }));
    const byRegion = answers.slice(0, 2).sort((a, b) => (a.region ?? '').localeCompare(b.region ?? ''));
    t.strictSame(byRegion, [
      { camera: 'door', region: 'left', label: 'red', route: 'cloud' },
      { camera: 'door', region: 'right', label: 'blue', route: 'cloud' },
    ]);
    t.strictSame(answers[2], { camera: 'yard', region: undefined, label: 'green', route: 'cloud' });
    t.equal(new Set(outside.results.map(({ frameId }) => frameId)).size, 3);
    t.same(
      outside.raw.map(({ topic }) => topic.split('/').at(-1)),
      ['door', 'door', 'yard'],
    );
    for (const { payload } of uploads) t.match(checkImage(payload, LIMITS), { width: 48, height: 48 });
    t.ok(await outside.untilState(({ counters }) => counters.results === 3));
    t.match(outside.state?.counters, { received: 2, extraFrames: 1, admitted: 3, drops: {} });
  },
);

t.test(
  'even where the image takes fewer bytes than a part of it, no more than the part leaves the device',
  async (t) => {
    const zoo = await writeTwoSizes(t.testdir());
    const broker = await startAedes();
    t.teardown(() => broker.stop());
    const outside = await Outside.connect(t, broker.url, 'd1');
    const uploads: Uint8Array[] = [];
    await outside.connection.subscribe(
      'edgemux/offload/#',
      { qos: 0 },
      (one) => void uploads.push(one.payload),
    );
    await startServer(t, broker.url, 's1', { zoo });
    await startDevice(t, broker.url, {
      device: 'd1',
      zoo,
      dataDir: join(zoo, 'data'),
      offload: { deadlineMs: 20_000 },
      policy: { mode: 'cloud-only' },
      cameras: { regions: { left: { camera: 'door', x: 0, ...third } } },
    });
    t.ok(await outside.untilServed());
    await outside.publishFrame('door', await stripes({ noise: 0 }));
    t.ok(await outside.untilResults(1));
    t.match(outside.results[0], { region: 'left', label: 'red' });
    t.match(checkImage(uploads[0] ?? Buffer.alloc(0), LIMITS), { width: 48, height: 48 });
  },
);

t.test('a part is cut at whole pixels, and is never empty', (t) => {
  const picture = pictureOf(
    Uint8Array.from({ length: 20 }, (_, i) => i),
    { width: 5, height: 4, channels: 1 },
  );
  const part = partOf(picture, { x: 0.2, y: 0.5, width: 0.4, height: 0.25 });
  t.match(part, { width: 2, height: 1 });
  t.same(Array.from(part.pixels), [11, 12]);
  t.same(Array.from(partOf(picture, { x: 1, y: 1, width: 0.01, height: 0.01 }).pixels), [19]);
  t.same(Array.from(partOf(picture, { x: 0, y: 0, width: 1, height: 1 }).pixels), Array.from(picture.pixels));
  const colour = pictureOf(
    Uint8Array.from({ length: 12 }, (_, i) => i),
    { width: 2, height: 2, channels: 3 },
  );
  t.same(Array.from(partOf(colour, { x: 0.5, y: 0, width: 0.5, height: 1 }).pixels), [3, 4, 5, 9, 10, 11]);
  t.end();
});

t.test('a region that reaches beyond the picture is refused, naming the key', (t) => {
  const read = (region: object) =>
    agentConfigSchema.safeParse({
      cameras: { regions: { gate: { camera: 'door', x: 0, y: 0, width: 1, height: 1, ...region } } },
    });
  t.ok(read({}).success);
  t.ok(read({ x: 0.7, width: 0.3 }).success, 'a sum of decimal fractions');
  for (const [key, region] of [
    ['width', { x: 0.6, width: 0.5 }],
    ['height', { y: 0.6, height: 0.5 }],
    ['width', { width: 0 }],
    ['x', { x: -0.1 }],
    ['camera', { camera: 'a/b' }],
  ] as const)
    t.same(read(region).error?.issues[0]?.path, ['cameras', 'regions', 'gate', key]);
  t.end();
});
