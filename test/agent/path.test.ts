import { createHash } from 'node:crypto';
import t, { type Test } from 'tap';
import { resultSchema } from '../../protocol/messages.js';
import { startAedes, startMosquitto, withoutMosquitto, type TestBroker } from '../support/broker.js';
import { jpegOf, Outside, shippedZoo, startDevice, startServer } from '../support/system.js';

interface Case {
  name: string;
  start: () => Promise<TestBroker>;
  version: 'auto' | '3.1.1' | '5';
}

const CASES: Case[] = [
  { name: 'aedes', start: () => startAedes(), version: 'auto' },
  { name: 'mosquitto, MQTT 3.1.1', start: () => startMosquitto(), version: '3.1.1' },
  { name: 'mosquitto, MQTT 5', start: () => startMosquitto(), version: '5' },
];

for (const { name, start, version } of CASES) {
  const skip = name === 'aedes' ? false : withoutMosquitto();
  t.test(`the way of a frame over ${name}`, { skip }, async (t) => {
    const broker = await start();
    t.teardown(() => broker.stop());
    const outside = await Outside.connect(t, broker.url, 'd1');
    await startServer(t, broker.url, 's1', {
      broker: { url: broker.url, version },
      policy: { mode: 'largest' },
    });
    await startDevice(t, broker.url, {
      device: 'd1',
      broker: { version },
      power: { simulate: true },
      policy: { mode: 'mux' },
    });
    t.ok(await outside.untilServed(), 'the device sees the server');
    await everyFrameHasOneResult(t, outside);
    await refusalsAreCounted(t, outside);
    await policiesCanBeSet(t, outside);
    t.same(outside.state?.health.status === 'failed', false);
  });
}

async function everyFrameHasOneResult(t: Test, outside: Outside): Promise<void> {
  const { zoo, test } = await shippedZoo();
  const frames = 60;
  let correct = 0;
  for (let index = 0; index < frames; index += 1) {
    const jpeg = await jpegOf(index);
    await outside.publishFrame(`cam-${index % 4}`, jpeg);
    t.ok(await outside.untilResults(index + 1), `frame ${index} has its result`);
    const result = outside.results[index]!;
    t.equal(result.imageSha256, createHash('sha256').update(jpeg).digest('hex'));
    t.equal(result.camera, `cam-${index % 4}`);
    t.equal(
      result.route === 'cloud',
      (result.muxScore ?? 0) > (result.threshold ?? 1),
      'the rule decides the route',
    );
    if (result.classIndex === test.label(index)) correct += 1;
  }
  for (const { payload } of outside.raw) {
    t.ok(
      resultSchema.safeParse(JSON.parse(Buffer.from(payload).toString())).success,
      'the result matches the contract',
    );
  }
  t.equal(new Set(outside.results.map((result) => result.frameId)).size, frames, 'one frame id each');
  const routes = new Set(outside.results.map((result) => result.route));
  t.ok(routes.has('local') && routes.has('cloud'), 'easy frames stay, hard ones are offloaded');
  t.ok(correct / frames > 0.8, `${correct} of ${frames} real images are named rightly`);
  const hard = outside.results.find((result) => result.route === 'cloud')!;
  t.same(hard.models, [zoo.largest.id]);
  t.ok(
    hard.bytesUp > 0 && hard.bytesDown > 0 && hard.latencyMs.cloud > 0,
    'what the server did is accounted for',
  );
  // On a starved machine the sampler may miss a frame's window: then there is no energy, never a made-up one.
  const energies = outside.results.flatMap(({ energyJ }) => (energyJ ? [energyJ] : []));
  t.ok(
    energies.every(({ simulated, gross }) => simulated && gross > 0),
    'energy says simulated',
  );
}

async function refusalsAreCounted(t: Test, outside: Outside): Promise<void> {
  const jpeg = await jpegOf(0);
  const before = outside.results.length;
  await outside.publishFrame('bad', 'this is no image');
  await outside.publishFrame('bad', new Uint8Array(0));
  await outside.publishFrame('bad', jpeg.subarray(0, 100));
  await outside.publishFrame('bad', hugePng());
  await outside.publishFrame('bad', Buffer.from(jpeg).toString('base64'));
  t.ok(await outside.untilResults(before + 1), 'base64 text of an image is a frame');
  const wanted = { 'not-an-image': 1, empty: 1, truncated: 1, 'too-many-pixels': 1 };
  t.ok(await outside.untilState((state) => sum(state.counters.refused) === 4), 'four refusals are counted');
  t.same(outside.state?.counters.refused, wanted);
  await outside.publishFrame('torn', Buffer.concat([jpeg.subarray(0, -20), Buffer.from([0xff, 0xd9])]));
  t.ok(
    await outside.untilState(({ counters }) => counters.drops['damaged'] === 1),
    'a JPEG of which a part is missing is admitted, and dropped as damaged',
  );
  t.equal(outside.results.length, before + 1, 'a refused frame has no result');
  await outside.publishFrame('kept', jpeg, true);
  t.ok(
    await outside.untilResults(before + 2),
    'a frame published as retained is answered when it arrives live',
  );
}

async function policiesCanBeSet(t: Test, outside: Outside): Promise<void> {
  const jpeg = await jpegOf(1);
  for (const [mode, route] of [
    ['mobile-only', 'local'],
    ['cloud-only', 'cloud'],
  ]) {
    const before = outside.results.length;
    await outside.setPolicy({ mode });
    t.ok(await outside.untilState((state) => state.policy.mode === mode), `${mode} is in force`);
    await outside.publishFrame('cam-1', jpeg);
    t.ok(await outside.untilResults(before + 1));
    t.match(outside.results.at(-1), { route, reason: 'disabled' });
  }
  await outside.setPolicy({ mode: 'psychic' });
  await outside.setPolicy({ mode: 'mux', threshold: 1 });
  t.ok(
    await outside.untilState((state) => state.policy.mode === 'mux'),
    'a bad patch changes nothing, a good one does',
  );
  t.equal(outside.state?.policy.thresholds['mux'], 1);
}

function sum(counts: Record<string, number>): number {
  return Object.values(counts).reduce((total, n) => total + n, 0);
}

/** The header of a 10000 × 5000 PNG and its end: 50 megapixels in 100 bytes. */
function hugePng(): Uint8Array {
  const header = Buffer.from('89504e470d0a1a0a0000000d49484452000027100000138808000000', 'hex');
  const end = Buffer.from('0000000049454e44ae426082', 'hex');
  return Buffer.concat([header, Buffer.from('00000000', 'hex'), end]);
}
