/** A zoo whose networks take different pixels, from a camera's frame to the server's answer over real brokers. */
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { systemClock } from '../common/clock.js';
import { checkImage } from '../mux/image/image-check.js';
import { encodePng } from '../mux/image/image.js';
import { decodePicture, prepare } from '../mux/image/prepare.js';
import { nextStep } from '../mux/rules/group.js';
import { groupOf, groupPolicyOf } from '../mux/rules/group-settings.js';
import { argmax } from '../mux/rules/probabilities.js';
import { GROUP_MUX_ID, networkInput } from '../mux/zoo/input.js';
import { makeUpload, serverInputs } from '../mux/zoo/upload.js';
import { PictureViews } from '../mux/zoo/views.js';
import { loadZoo } from '../mux/zoo/zoo.js';
import { parseOffloadTopic } from '../protocol/topics/topics.js';
import { Asker } from './cloud-stub/support/asker.js';
import { cpuInference } from './mux/support/zoos.js';
import { startAedes, startMosquitto, withoutMosquitto, type TestBroker } from './support/broker.js';
import { Outside, startDevice, startServer } from './support/system.js';
import {
  CLOUD_INPUT,
  LOCAL_INPUT,
  MIDDLE_INPUT,
  stripes,
  writeTwoSizes,
  writeTwoSizesGroup,
} from './support/two-sizes.js';

const LIMITS = { maxBytes: 1e7, maxPixels: 1e7 };
/** JPEG 92 moves a mean by far less; another part of the picture by far more. */
const NEAR = 0.03;

const picture = await stripes();

/** What the server's model says of a picture that is prepared as it should be. */
async function wanted(t: Test, dir: string): Promise<{ big: Float32Array; small: Float32Array }> {
  const zoo = await loadZoo(dir);
  const inference = cpuInference(zoo);
  t.teardown(() => inference.stop());
  await inference.start();
  const inputs = { big: networkInput(CLOUD_INPUT), small: networkInput(LOCAL_INPUT) };
  const decoded = await decodePicture(picture, LIMITS, Object.values(inputs));
  const run = async (id: keyof typeof inputs) =>
    (await inference.classify(id, await prepare(decoded, inputs[id]))).probabilities;
  return { big: await run('big'), small: await run('small') };
}

function distance(found: ArrayLike<number>, wanted: ArrayLike<number>): number {
  return Math.max(...Array.from(wanted, (value, k) => Math.abs(value - (found[k] ?? NaN))));
}

/** Uploads as they pass the broker. */
async function watch(outside: Outside): Promise<{ topic: string; payload: Uint8Array }[]> {
  const seen: { topic: string; payload: Uint8Array }[] = [];
  await outside.connection.subscribe('edgemux/offload/#', { qos: 0 }, (message) => void seen.push(message));
  return seen;
}

const BROKERS: [string, () => Promise<TestBroker>, false | string][] = [
  ['aedes', () => startAedes(), false],
  ['mosquitto', () => startMosquitto(), withoutMosquitto()],
];

for (const [name, start, skip] of BROKERS) {
  t.test(`two sizes over ${name}: each network sees its own pixels of one picture`, { skip }, async (t) => {
    const zoo = await writeTwoSizes(t.testdir());
    const expected = await wanted(t, zoo);
    t.equal(argmax(expected.big), 1, 'cropped, the picture is mostly green');
    const broker = await start();
    t.teardown(() => broker.stop());
    const outside = await Outside.connect(t, broker.url, 'd1');
    const uploads = await watch(outside);
    await startServer(t, broker.url, 's1', { zoo });
    await startDevice(t, broker.url, {
      device: 'd1',
      zoo,
      dataDir: join(zoo, 'data'),
      power: { simulate: true },
      offload: { deadlineMs: 20_000 },
      policy: { mode: 'mux', threshold: 0.2 },
    });
    t.ok(await outside.untilServed());

    await outside.publishFrame('door', picture);
    t.ok(await outside.untilResults(1));
    t.match(outside.results[0], { route: 'cloud', label: 'green', models: ['big'] });
    t.ok(Math.abs((outside.results[0]?.confidence ?? 0) - (expected.big[1] ?? 0)) < NEAR, 'as cropped');
    t.equal(uploads.length, 1);
    const [upload] = uploads;
    t.match(
      checkImage(upload?.payload ?? Buffer.alloc(0), LIMITS),
      { width: 48, height: 48 },
      'the size of the server',
    );
    t.same(parseOffloadTopic('edgemux', upload?.topic ?? '')?.prepared, {
      fit: 'crop',
      width: 48,
      height: 48,
    });

    await outside.setPolicy({ thresholds: { mux: 1 } });
    t.ok(await outside.untilState(({ policy }) => policy.thresholds['mux'] === 1));
    await outside.publishFrame('door', picture);
    t.ok(await outside.untilResults(2));
    t.match(outside.results[1], { route: 'local', models: ['small'] });
    const local = outside.results[1]?.top.find(({ classIndex }) => classIndex === 0)?.probability ?? NaN;
    t.ok(
      Math.abs(local - (expected.small[0] ?? 0)) < 1e-4,
      `${local}: the local model saw all of it, in grey`,
    );
    const [first, second] = outside.results;
    t.equal(first?.muxScore, second?.muxScore, 'the mux saw the same');
  });
}

t.test('an original that takes fewer bytes than what the server needs is sent as it is', async (t) => {
  const zoo = await writeTwoSizes(t.testdir());
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const outside = await Outside.connect(t, broker.url, 'd1');
  const uploads = await watch(outside);
  await startServer(t, broker.url, 's1', { zoo });
  await startDevice(t, broker.url, {
    device: 'd1',
    zoo,
    dataDir: join(zoo, 'data'),
    offload: { deadlineMs: 20_000 },
    policy: { mode: 'cloud-only' },
  });
  t.ok(await outside.untilServed());
  const plain = await stripes({ noise: 0 });
  await outside.publishFrame('door', plain);
  t.ok(await outside.untilResults(1));
  t.match(outside.results[0], { route: 'cloud', label: 'green' });
  t.equal(Buffer.compare(Buffer.from(uploads[0]?.payload ?? []), plain), 0);
  t.equal(parseOffloadTopic('edgemux', uploads[0]?.topic ?? '')?.prepared, null);
});

t.test('a server prepares what is not prepared for it, and answers the same', async (t) => {
  const zoo = await writeTwoSizes(t.testdir());
  const expected = await wanted(t, zoo);
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const asker = await Asker.connect(t, broker.url, 'by-hand');
  await startServer(t, broker.url, 's1', { zoo });
  t.ok(await asker.untilOnline('s1'));
  const decoded = await decodePicture(picture, LIMITS, []);
  const cropped = { ...networkInput(CLOUD_INPUT), height: 96, width: 96 };
  const small = networkInput(LOCAL_INPUT);
  const larger = await encodePng(await prepare(decoded, cropped), cropped);
  const thumbnail = await encodePng(await prepare(decoded, small), small);
  const answers = await Promise.all([
    asked(asker, picture, '20000'),
    asked(asker, larger, '20000-crop-96x96'),
    asked(asker, larger, '20000'),
    asked(asker, thumbnail, '20000'),
  ]);
  const [raw, scaled, twice, planted] = answers.map((probabilities) => distance(probabilities, expected.big));
  t.ok((raw ?? 1) < 1e-4, `${raw}: by hand, the whole picture`);
  t.ok((scaled ?? 1) < NEAR, `${scaled}: prepared at another size, it is only scaled`);
  t.ok((twice ?? 0) > 2 * NEAR, `${twice}: cropped a second time where nobody says that it was cropped`);
  t.ok((planted ?? 0) > 2 * NEAR, `${planted}: the local model's thumbnail would be seen by these tests`);
});

t.test('sizes that are swapped in a manifest are refused before anything is answered', async (t) => {
  const zoo = await writeTwoSizes(t.testdir(), (manifest) => {
    const [small, big] = manifest['models'] as Record<string, unknown>[];
    if (small) small['input'] = CLOUD_INPUT;
    if (big) big['input'] = LOCAL_INPUT;
  });
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  await t.rejects(startServer(t, broker.url, 's1', { zoo }), {
    code: 'MODEL_UNUSABLE',
    message: /big\.onnx: input 'images': uint8 \[N,48,48,3\] instead of uint8 \[N,32,32,1\]/,
  });
});

for (const parts of ['the same part', 'different parts']) {
  t.test(
    `a group whose networks see ${parts} of a picture in several sizes answers by its rule`,
    async (t) => {
      const zoo = await writeTwoSizesGroup(t.testdir(), (manifest) => {
        const [, middle] = manifest['models'] as Record<string, unknown>[];
        if (parts === 'different parts' && middle) middle['input'] = { ...MIDDLE_INPUT, fit: 'stretch' };
      });
      const expected = await ensemble(t, zoo);
      const broker = await startAedes();
      t.teardown(() => broker.stop());
      const asker = await Asker.connect(t, broker.url, 'by-hand');
      await startServer(t, broker.url, 's1', { zoo, policy: { mode: 'ensemble', T: 0 } });
      t.ok(await asker.untilOnline('s1'));
      const answers = await asker.askAll(new Array<Buffer>(8).fill(picture), 20_000, 'two-sizes');
      for (const answer of answers) {
        if ('error' in answer) t.fail(answer.error.message);
        else {
          t.same([...answer.models].sort(), ['big', 'middle']);
          t.ok(distance(answer.probabilities, expected) < 1e-4, answer.probabilities.join());
        }
      }
      const decoded = await decodePicture(picture, LIMITS, []);
      const loaded = await loadZoo(zoo);
      const views = new PictureViews({ clock: systemClock }, decoded);
      const upload = await makeUpload(serverInputs(loaded), views, picture);
      t.equal(upload.prepared?.width, parts === 'the same part' ? 48 : undefined);
      const frameId = asker.ask(upload.bytes, upload.prepared ? '20000-crop-48x48' : '20000', 'two-sizes');
      await asker.until(() => asker.got.has(frameId));
      const got = asker.got.get(frameId)?.answer;
      const off = got && 'probabilities' in got ? distance(got.probabilities, expected) : NaN;
      t.ok(off < NEAR, `${off}: a device's upload serves all of them`);
    },
  );
}

/** The group's answer to the picture, each network run by itself on what it should see. */
async function ensemble(t: Test, dir: string): Promise<ArrayLike<number>> {
  const zoo = await loadZoo(dir);
  const inference = cpuInference(zoo, { groupMux: true });
  t.teardown(() => inference.stop());
  await inference.start();
  const decoded = await decodePicture(picture, LIMITS, serverInputs(zoo));
  const pixelsOf = (network: string) => prepare(decoded, zoo.inputOf(network));
  const mux = await inference.infer({ kind: 'group-mux', pixels: await pixelsOf(GROUP_MUX_ID), count: 1 });
  const outputs = new Map<string, Float32Array>();
  for (const id of ['middle', 'big'])
    outputs.set(id, (await inference.classify(id, await pixelsOf(id))).probabilities);
  const policy = groupPolicyOf(zoo, { mode: 'ensemble', threshold: 0 });
  const step = nextStep(groupOf(zoo), policy, mux, outputs);
  if (step.kind === 'run') throw new Error('every model of the group has run');
  return step.probabilities;
}

async function asked(asker: Asker, image: Uint8Array, level: string): Promise<number[]> {
  const frameId = asker.ask(image, level, 'two-sizes');
  await asker.until(() => asker.got.has(frameId));
  const answer = asker.got.get(frameId)?.answer;
  return answer && 'probabilities' in answer ? answer.probabilities : [];
}
