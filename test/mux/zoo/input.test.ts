/** A zoo whose networks take different pixels: what its manifest may say, and what older ones meant. */
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import t from 'tap';
import { distinctInputs, GROUP_MUX_ID, inputKey, MUX_ID, networkInput } from '../../../mux/zoo/input.js';
import { parseManifest } from '../../../mux/zoo/manifest.js';
import { loadZoo } from '../../../mux/zoo/zoo.js';
import { writeTinyZoo, type ManifestJson } from '../support/tiny-zoo.js';

const CROP = {
  height: 48,
  width: 48,
  channels: 3,
  layout: 'NHWC',
  dtype: 'uint8',
  fit: 'crop',
  share: 0.875,
  kernel: 'bicubic',
};

function modelOf(manifest: ManifestJson, i: number): Record<string, unknown> {
  return (manifest['models'] as Record<string, unknown>[])[i] ?? {};
}

t.test('a zoo of version 1 is stretched to one input, as ever', async (t) => {
  const zoo = await loadZoo((await writeTinyZoo(t.testdir())).dir);
  const input = networkInput({ height: 2, width: 2, channels: 1, layout: 'NHWC', dtype: 'uint8' });
  t.match(input, { fit: 'stretch', share: 1, kernel: 'lanczos' });
  for (const network of ['small', 'big', 'fragile', MUX_ID]) t.same(zoo.inputOf(network), input, network);
  t.throws(() => zoo.inputOf('nobody'), { code: 'ZOO_INVALID' });
  t.throws(() => zoo.inputOf(GROUP_MUX_ID), { code: 'ZOO_INVALID' }, 'the tiny zoo has no mux for a group');
});

t.test(
  'from version 2 on a network may have an input of its own; the rest take the common one',
  async (t) => {
    const { dir } = await writeTinyZoo(t.testdir(), (manifest) => {
      manifest['schema'] = 2;
      modelOf(manifest, 1)['input'] = CROP;
    });
    const zoo = await loadZoo(dir);
    t.same(zoo.inputOf('big'), CROP);
    t.equal(zoo.inputOf('small').height, 2);
    t.equal(zoo.inputOf(MUX_ID).fit, 'stretch');
    t.equal(distinctInputs(['small', 'big', 'fragile', MUX_ID].map((id) => zoo.inputOf(id))).length, 2);
  },
);

t.test('inputs are told apart by all that changes a pixel, and by nothing else', (t) => {
  const input = networkInput({
    ...CROP,
    channels: 3,
    layout: 'NHWC',
    dtype: 'uint8',
    fit: 'crop',
    kernel: 'bicubic',
  });
  const keys = [
    input,
    { ...input, height: 47 },
    { ...input, channels: 1 as const },
    { ...input, share: 1 },
    { ...input, kernel: 'lanczos' as const },
    { ...input, fit: 'letterbox' as const },
  ].map(inputKey);
  t.equal(new Set(keys).size, keys.length);
  const stretched = { ...input, fit: 'stretch' as const };
  t.equal(inputKey(stretched), inputKey({ ...stretched, share: 0.5 }), 'a share means nothing to a stretch');
  t.end();
});

t.test(
  'what version 1 cannot say is refused there, and a version from the future by its number',
  async (t) => {
    const { dir, manifest } = await writeTinyZoo(t.testdir(), (one) => {
      modelOf(one, 1)['input'] = CROP;
    });
    await t.rejects(loadZoo(dir), { code: 'ZOO_INVALID', message: /models\[1\]\.input: needs "schema": 2/ });
    modelOf(manifest, 1)['input'] = undefined;
    (manifest['input'] as Record<string, unknown>)['fit'] = 'letterbox';
    await writeFile(join(dir, 'manifest.json'), JSON.stringify(manifest));
    await t.rejects(loadZoo(dir), { code: 'ZOO_INVALID', message: /input\.fit: needs "schema": 2/ });
    t.throws(() => parseManifest('{"schema": 3, "novelty": true}', 'there'), {
      code: 'ZOO_INVALID',
      message: /there: schema: 3 is none that this edgemux reads \(1, 2\)/,
    });
    for (const share of [0, 1.01]) {
      (manifest['input'] as Record<string, unknown>)['share'] = share;
      t.throws(
        () => parseManifest(JSON.stringify({ ...manifest, schema: 2 }), 'here'),
        /input\.share/,
        `${share}`,
      );
    }
  },
);
