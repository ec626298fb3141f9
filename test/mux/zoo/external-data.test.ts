import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { node, tensorInfo } from '../../../lab/zoo/onnx/onnx-build.js';
import { encodeModel } from '../../../lab/zoo/onnx/onnx-file.js';
import type { OnnxModel } from '../../../lab/zoo/onnx/onnx-types.js';
import { externalLocations } from '../../../mux/zoo/external-data.js';
import { loadZoo } from '../../../mux/zoo/zoo.js';
import { writeTinyZoo } from '../support/tiny-zoo.js';
import { SHIPPED_ZOO } from '../support/zoos.js';

const WEIGHTS = Buffer.from(Float32Array.from([1.5, -2]).buffer);

/** One linear layer whose weights lie in `location`. */
function withExternal(location: string): OnnxModel {
  const externalData = [
    { key: 'location', value: location },
    { key: 'length', value: String(WEIGHTS.length) },
  ];
  return {
    irVersion: 7,
    graph: {
      node: [node('MatMul', ['x', 'w'], 'y')],
      initializer: [{ name: 'w', dims: [2, 1], dataType: 1, externalData, dataLocation: 1 }],
      input: [tensorInfo('x', 1, ['N', 2])],
    },
  };
}

const entryOf = (file: string, bytes: Uint8Array) => ({
  file,
  sha256: createHash('sha256').update(bytes).digest('hex'),
  bytes: bytes.length,
});

/** A zoo whose second model keeps its weights in `location`; `weights` is what its manifest says of them. */
async function zooWith(t: Test, location: string, weights?: object[]): Promise<string> {
  const { dir, manifest } = await writeTinyZoo(join(t.testdir({ zoo: {} }), 'zoo'));
  await mkdir(join(dir, 'parts'), { recursive: true });
  await writeFile(join(dir, 'parts', 'w.bin'), WEIGHTS);
  const model = encodeModel(withExternal(location));
  await writeFile(join(dir, 'big.onnx'), model);
  const models = manifest['models'] as object[];
  Object.assign(models[1]!, entryOf('big.onnx', model), weights ? { weights } : {});
  await writeFile(join(dir, 'manifest.json'), JSON.stringify(manifest));
  return dir;
}

t.test('weights outside of a model’s file count only where the manifest has their hash', async (t) => {
  const unnamed = await zooWith(t, 'parts/w.bin');
  await t.rejects(loadZoo(unnamed), {
    code: 'ZOO_INVALID',
    message: /parts\/w\.bin, whose sha256 is not in/,
  });
  const named = await zooWith(t, 'parts/w.bin', [entryOf('parts/w.bin', WEIGHTS)]);
  t.ok(await loadZoo(named));
  await writeFile(join(named, 'parts', 'w.bin'), Buffer.alloc(WEIGHTS.length));
  await t.rejects(loadZoo(named), { code: 'ZOO_CHANGED', message: /parts\/w\.bin/ });
});

t.test('weights outside of the zoo are refused, by whatever path', async (t) => {
  for (const location of ['../w.bin', '/etc/hostname', 'parts/../../w.bin', 'a\0b/../../../w.bin']) {
    const dir = await zooWith(t, location, [entryOf('parts/w.bin', WEIGHTS)]);
    await t.rejects(loadZoo(dir), { code: 'ZOO_INVALID' }, location);
  }
  const dir = await zooWith(t, 'parts/w.bin', [entryOf('parts/w.bin', WEIGHTS)]);
  await writeFile(join(dir, '..', 'elsewhere.bin'), WEIGHTS);
  await rm(join(dir, 'parts', 'w.bin'));
  await symlink(join(dir, '..', 'elsewhere.bin'), join(dir, 'parts', 'w.bin'));
  await t.rejects(loadZoo(dir), { code: 'ZOO_INVALID', message: /outside of the zoo/ });
});

t.test('locations are found wherever a tensor may stand, and none where there is no model', async (t) => {
  const tensor = {
    dims: [1],
    dataType: 1,
    externalData: [{ key: 'location', value: 'deep.bin' }],
    dataLocation: 1,
  };
  const inner = { node: [], initializer: [tensor] };
  const attribute = { name: 'body', type: 5, g: inner };
  const constant = {
    name: 'value',
    type: 4,
    t: { ...tensor, externalData: [{ key: 'location', value: 'c.bin' }] },
  };
  const nodes = [
    { opType: 'Loop', input: [], output: [], attribute: [attribute] },
    { opType: 'Constant', input: [], output: ['c'], attribute: [constant] },
  ];
  const model = encodeModel({ irVersion: 7, graph: { node: nodes } } as unknown as OnnxModel);
  t.same(externalLocations(model).sort(), ['c.bin', 'deep.bin']);
  for (let cut = 0; cut < model.length; cut += 1) externalLocations(model.subarray(0, cut));
  t.same(externalLocations(Buffer.from('no model at all, but some text')), []);
  t.same(externalLocations(Buffer.alloc(1000, 0xff)), []);
  const zoo = await loadZoo(SHIPPED_ZOO);
  t.same(
    externalLocations(await readFile(zoo.path(zoo.largest.file))),
    [],
    'ours hold their weights themselves',
  );
});
