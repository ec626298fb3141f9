/** Golden answers of a zoo whose networks take different pixels. */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { decodePicture, prepare } from '../../../mux/image/prepare.js';
import { MUX_ID } from '../../../mux/zoo/input.js';
import { goldenVerdict } from '../../../mux/zoo/golden.js';
import { loadZoo } from '../../../mux/zoo/zoo.js';
import { stripes, writeTwoSizes } from '../../support/two-sizes.js';
import { cpuInference } from '../support/zoos.js';

/** That of the zoo of `writeTwoSizes`, whose policy is `mux`. */
const MUX_THRESHOLD = 0.3;

interface GoldenJson {
  decision: 'offload' | 'local';
  pixels: string;
  inputs: Record<string, string>;
  [key: string]: unknown;
}

/** The verdict on a zoo with one golden image, which a test may change before it is written. */
async function verdict(t: Test, change: (image: GoldenJson) => void = () => undefined) {
  const dir = await writeTwoSizes(t.testdir());
  const plain = await loadZoo(dir);
  const inference = cpuInference(plain);
  t.teardown(() => inference.stop());
  await inference.start();
  const picture = await decodePicture(await stripes(), { maxPixels: 1e6 }, []);
  const seen = (network: string) => prepare(picture, plain.inputOf(network));
  const base64 = async (network: string) => Buffer.from(await seen(network)).toString('base64');
  const mux = await inference.infer({ kind: 'mux', pixels: await seen(MUX_ID), count: 1 });
  const model = async (id: string) =>
    Array.from((await inference.classify(id, await seen(id))).probabilities);
  const image: GoldenJson = {
    index: 0,
    pixels: await base64('small'),
    inputs: { big: await base64('big'), [MUX_ID]: await base64(MUX_ID) },
    models: { small: await model('small'), big: await model('big') },
    mux: { score: mux.scores[0], probabilities: Array.from(mux.probabilities) },
    decision: (mux.scores[0] ?? 0) > MUX_THRESHOLD ? 'offload' : 'local',
  };
  change(image);
  const bytes = Buffer.from(JSON.stringify({ images: [image] }));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  await writeTwoSizes(dir, (manifest) => {
    manifest['golden'] = { file: 'golden.json', sha256, bytes: bytes.length };
  });
  await writeFile(join(dir, 'golden.json'), bytes);
  const options = {
    models: ['small', 'big'],
    mux: 'pair',
    providers: ['cpu'],
    requireProvider: false,
    threads: 1,
  } as const;
  return goldenVerdict(await loadZoo(dir), inference, options, 'cpu');
}

t.test('each network is compared on pixels of its own, and the rule on both', async (t) => {
  t.match(await verdict(t), { status: 'pass', detail: /1 images/ });
});

t.test('a golden image without the pixels of a network is refused, naming it', async (t) => {
  const thumbnail = (image: GoldenJson): void => void (image.inputs['big'] = image.pixels);
  await t.rejects(verdict(t, thumbnail), {
    code: 'ZOO_INVALID',
    message: /1024 bytes of pixels for big.*6912/,
  });
  await t.rejects(
    verdict(t, (image) => void (image.inputs = { big: image.inputs['big'] ?? '' })),
    { code: 'ZOO_INVALID', message: /for \(mux\)/ },
  );
});

t.test('a decision that the rule does not take fails', async (t) => {
  const shown = await verdict(t, (image) => {
    image.decision = image.decision === 'local' ? 'offload' : 'local';
  });
  t.match(shown, { status: 'fail', detail: /golden image 0 is decided '(local|offload)' instead of/ });
});

t.test('other pixels give another answer, which fails', async (t) => {
  const shown = await verdict(t, (image) => {
    const wrong = Buffer.from(image.inputs['big'] ?? '', 'base64').fill(0, 0, 3000);
    image.inputs['big'] = wrong.toString('base64');
  });
  t.match(shown, { status: 'fail', detail: /big on golden image 0/ });
});
