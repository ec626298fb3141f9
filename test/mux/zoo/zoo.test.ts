import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { isEdgemuxError, type EdgemuxError } from '../../../common/errors.js';
import { loadTestSet, readIdx } from '../../../lab/zoo/testset.js';
import { loadZoo } from '../../../mux/zoo/zoo.js';
import { writeTinyZoo, type ManifestJson } from '../support/tiny-zoo.js';
import { SHIPPED_ZOO } from '../support/zoos.js';

async function refusal(
  t: Test,
  run: Promise<unknown>,
  code: string,
  ...words: string[]
): Promise<EdgemuxError> {
  const error: unknown = await run.then(
    () => new Error('it should have been refused'),
    (reason: unknown) => reason,
  );
  if (!isEdgemuxError(error)) throw error;
  t.equal(error.code, code, error.message);
  for (const word of words) t.ok(error.message.includes(word), `"${error.message}" names ${word}`);
  return error;
}

t.test('the shipped zoo loads, with every file as its manifest says', async (t) => {
  const zoo = await loadZoo(SHIPPED_ZOO);
  const bytes = await readFile(join(SHIPPED_ZOO, 'manifest.json'));
  t.equal(zoo.hash, createHash('sha256').update(bytes).digest('hex'));
  t.equal(zoo.name, 'fashion-mnist');
  t.equal(zoo.classes, 10);
  t.equal(zoo.labels.length, 10);
  t.ok(zoo.local?.roles.includes('local'));
  t.ok(zoo.largest.flops >= Math.max(...zoo.manifest.models.map((model) => model.flops)));
  t.ok(zoo.muxPair);
  t.equal(zoo.modelById(zoo.largest.id), zoo.largest);
  t.equal(zoo.path('x.onnx'), join(SHIPPED_ZOO, 'x.onnx'));
  t.throws(() => zoo.modelById('no-such'), { code: 'ZOO_INVALID' });
});

t.test('a changed byte in any file is refused, with both hashes and what to do', async (t) => {
  const { dir, manifest } = await writeTinyZoo(t.testdir());
  t.equal((await loadZoo(dir)).name, 'tiny');
  const path = join(dir, 'big.onnx');
  const bytes = await readFile(path);
  bytes[bytes.length - 3]! ^= 0x10;
  await writeFile(path, bytes);
  const wanted = (manifest['models'] as { sha256: string }[])[1]!.sha256;
  const found = createHash('sha256').update(bytes).digest('hex');
  await refusal(t, loadZoo(dir), 'ZOO_CHANGED', 'big.onnx', wanted, found, 'again');
});

t.test('a missing folder, manifest or file is named', async (t) => {
  const { dir } = await writeTinyZoo(t.testdir());
  await rm(join(dir, 'small.onnx'));
  await refusal(t, loadZoo(dir), 'ZOO_NOT_FOUND', 'small.onnx');
  await refusal(t, loadZoo(join(dir, 'nowhere')), 'ZOO_NOT_FOUND', 'nowhere', 'manifest.json');
  await writeFile(join(dir, 'manifest.json'), '{ not json');
  await refusal(t, loadZoo(dir), 'ZOO_INVALID', 'not JSON');
});

type Change = (manifest: ManifestJson) => void;
const model = (manifest: ManifestJson, i: number) => (manifest['models'] as Record<string, unknown>[])[i]!;
const nonsense: Record<string, [Change, string]> = {
  'another schema': [(m) => (m['schema'] = 3), 'schema'],
  'an unknown key': [(m) => (m['modells'] = []), 'modells'],
  'no models': [(m) => (m['models'] = []), 'models'],
  'one label': [(m) => (m['labels'] = ['a']), 'labels'],
  'two channels': [(m) => (m['input'] = { ...(m['input'] as object), channels: 2 }), 'input.channels'],
  'planes first': [(m) => (m['input'] = { ...(m['input'] as object), layout: 'NCHW' }), 'input.layout'],
  'an upper-case sha256': [(m) => (model(m, 0)['sha256'] = 'A'.repeat(64)), 'models[0].sha256'],
  'a file outside': [(m) => (model(m, 0)['file'] = '../secret.onnx'), 'models[0].file'],
  'an absolute file': [(m) => (model(m, 1)['file'] = '/etc/passwd'), 'models[1].file'],
  'an unknown role': [(m) => (model(m, 1)['roles'] = ['boss']), 'models[1].roles[0]'],
  'an id twice': [(m) => (model(m, 1)['id'] = 'small'), 'models[1].id'],
  'two local models': [(m) => (model(m, 1)['roles'] = ['local']), "'local'"],
  'an accuracy in per cent': [(m) => (model(m, 0)['accuracy'] = 92.5), 'models[0].accuracy'],
  'a misspelt threshold': [
    (m) => (m['policy'] = { mode: 'mux', thresholds: { mucks: 0.5 } }),
    'policy.thresholds',
  ],
  'an unknown mode': [(m) => (m['policy'] = { mode: 'magic', thresholds: {} }), 'policy.mode'],
  'a name that is no topic level': [(m) => (m['name'] = 'a/b'), 'name'],
};
for (const [title, [change, key]] of Object.entries(nonsense)) {
  t.test(`a manifest with ${title} is refused, naming ${key}`, async (t) => {
    const { dir } = await writeTinyZoo(t.testdir(), change);
    await refusal(t, loadZoo(dir), 'ZOO_INVALID', key, 'manifest.json');
  });
}

t.test('a zoo without mux, golden vectors, test images and training record is a zoo', async (t) => {
  const { dir } = await writeTinyZoo(t.testdir(), (manifest) => delete manifest['mux']);
  const zoo = await loadZoo(dir);
  t.equal(zoo.muxPair, null);
  await refusal(t, loadTestSet(zoo), 'ZOO_INVALID', 'no test images');
});

t.test('a group mux may name models of the zoo only', async (t) => {
  const { dir } = await writeTinyZoo(t.testdir(), (manifest) => {
    const mux = manifest['mux'] as { pair: object; group?: object };
    mux.group = { ...mux.pair, models: ['small', 'stranger'] };
  });
  await refusal(t, loadZoo(dir), 'ZOO_INVALID', 'mux.group.models[1]', 'stranger');
});

t.test('the shipped test images are the 10,000 of Fashion-MNIST, as many of each class', async (t) => {
  const zoo = await loadZoo(SHIPPED_ZOO);
  const set = await loadTestSet(zoo);
  t.equal(set.count, 10_000);
  t.equal(set.images(0).length, 784);
  const perClass = new Array<number>(10).fill(0);
  for (let i = 0; i < set.count; i += 1) perClass[set.label(i)]! += 1;
  t.same(perClass, new Array(10).fill(1000));
  t.throws(() => set.images(10_000), RangeError);
  t.throws(() => set.label(-1), RangeError);
});

t.test('a test set that does not fit its zoo is refused', async (t) => {
  const idx = (dims: number[], data: number[]) => {
    const head = Buffer.alloc(4 + 4 * dims.length);
    head.set([0, 0, 8, dims.length]);
    dims.forEach((dim, i) => head.writeUInt32BE(dim, 4 + 4 * i));
    return gzipSync(Buffer.concat([head, Buffer.from(data)]));
  };
  const shipped = await loadZoo(SHIPPED_ZOO);
  const dir = t.testdir();
  const zooWith = async (images: Buffer, labels: Buffer) => {
    await mkdir(dir, { recursive: true });
    await writeFile(join(dir, 'images.gz'), images);
    await writeFile(join(dir, 'labels.gz'), labels);
    const entry = (file: string) => ({ file, sha256: '', bytes: 1 });
    const test = { images: entry('images.gz'), labels: entry('labels.gz'), count: 2 };
    const input = { ...shipped.input, height: 1, width: 2 };
    return {
      ...shipped,
      dir,
      input,
      manifest: { ...shipped.manifest, test },
      path: (file: string) => join(dir, file),
    };
  };
  const good = await loadTestSet(await zooWith(idx([2, 1, 2], [1, 2, 3, 4]), idx([2], [9, 0])));
  t.same([...good.images(1)], [3, 4]);
  t.equal(good.label(0), 9);
  const wrong = async (images: Buffer, labels: Buffer, word: string) =>
    refusal(t, loadTestSet(await zooWith(images, labels)), 'ZOO_INVALID', word);
  await wrong(idx([2, 2, 1], [1, 2, 3, 4]), idx([2], [9, 0]), 'dims');
  await wrong(idx([2, 1, 2], [1, 2, 3, 4]), idx([3], [9, 0, 0]), 'dims');
  await wrong(idx([2, 1, 2], [1, 2, 3, 4]), idx([2], [10, 0]), 'label 0 is 10');
  await wrong(idx([2, 1, 2], [1, 2, 3]), idx([2], [9, 0]), '3 bytes');
  await wrong(gzipSync(Buffer.from('hello')), idx([2], [9, 0]), 'IDX');
  await wrong(Buffer.from('hello'), idx([2], [9, 0]), 'gzip');
  await copyFile(join(SHIPPED_ZOO, 't10k-labels-idx1-ubyte.gz'), join(dir, 'copy.gz'));
  t.same((await readIdx(join(dir, 'copy.gz'))).dims, [10_000]);
});
