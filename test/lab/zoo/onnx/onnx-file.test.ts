/** ONNX files read and written by ONNX's own schema. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { node, tensorInfo } from '../../../../lab/zoo/onnx/onnx-build.js';
import { decodeModel, encodeModel, readModel } from '../../../../lab/zoo/onnx/onnx-file.js';
import { tensorsOf, type OnnxModel } from '../../../../lab/zoo/onnx/onnx-types.js';
import { loadZoo } from '../../../../mux/zoo/zoo.js';
import { SHIPPED_ZOO } from '../../../mux/support/zoos.js';

t.test('a shipped network that is read and written has the same bytes', async (t) => {
  const zoo = await loadZoo(SHIPPED_ZOO);
  for (const { file } of [...zoo.manifest.models, ...(zoo.muxPair ? [zoo.muxPair] : [])]) {
    const bytes = await readFile(zoo.path(file));
    const again = encodeModel(decodeModel(bytes, file));
    const hash = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');
    t.equal(hash(again), hash(bytes), file);
  }
});

t.test('64-bit integers stay exact', (t) => {
  const model: OnnxModel = { irVersion: 7, graph: { node: [node('Slice', ['x'], 'y', { ends: [1] })] } };
  const decoded = decodeModel(encodeModel(model), 'slice');
  const attribute = decoded.graph.node?.[0]?.attribute?.[0];
  t.ok(attribute);
  Object.assign(attribute ?? {}, { ints: [longest()] });
  const again = decodeModel(encodeModel(decoded), 'again');
  t.equal(String(again.graph.node?.[0]?.attribute?.[0]?.ints?.[0]), '9223372036854775807');
  t.end();
});

/** 2^63 − 1, the "to the end" of exporters, as protobufjs takes it. */
function longest(): object {
  return { low: -1, high: 0x7fffffff, unsigned: false };
}

/** One linear layer whose weights lie in `location`. */
function withExternal(location: string, length: number): OnnxModel {
  const externalData = [
    { key: 'location', value: location },
    { key: 'offset', value: '4' },
    { key: 'length', value: String(length) },
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

t.test('weights in a file of their own are taken in', async (t) => {
  const dir = t.testdir();
  await mkdir(join(dir, 'parts'));
  const weights = Buffer.from(Float32Array.from([9, 1.5, -2]).buffer);
  await writeFile(join(dir, 'parts', 'w.bin'), weights);
  const path = join(dir, 'model.onnx');
  await writeFile(path, encodeModel(withExternal('parts/w.bin', 8)));
  const [tensor] = tensorsOf((await readModel(path)).graph);
  t.same(Buffer.from(tensor?.rawData ?? []), weights.subarray(4));
  t.equal(tensor?.dataLocation, 0);
  await writeFile(path, encodeModel(withExternal('parts/w.bin', 12)));
  await t.rejects(readModel(path), { code: 'MODEL_UNUSABLE', message: /it ends at byte 12 of 16/ });
  await writeFile(path, encodeModel(withExternal('none.bin', 8)));
  await t.rejects(readModel(path), { message: /none.bin, which cannot be read/ });
  for (const outside of ['../w.bin', '/etc/hostname', '']) {
    await writeFile(path, encodeModel(withExternal(outside, 8)));
    await t.rejects(readModel(path), { message: /outside its folder/ }, outside);
  }
});

t.test('what is no ONNX file is refused by name', async (t) => {
  const lfs = Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n');
  t.throws(() => decodeModel(lfs, 'a.onnx'), {
    code: 'MODEL_UNUSABLE',
    message: /a\.onnx is a Git LFS pointer/,
  });
  t.throws(() => decodeModel(Buffer.from('<html>'), 'a.onnx'), { message: /no ONNX/ });
  t.throws(() => decodeModel(Buffer.alloc(0), 'a.onnx'), { message: /it has no graph/ });
  await t.rejects(readModel(join(t.testdir(), 'none.onnx')), { message: /none.onnx cannot be read/ });
});
