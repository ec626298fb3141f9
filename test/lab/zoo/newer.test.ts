/** Files that are newer than their target, or say what is not so: made here, so that nothing outside is needed. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { integers, node } from '../../../lab/zoo/onnx/onnx-build.js';
import { lower } from '../../../lab/zoo/onnx/onnx-lower.js';
import type { OnnxModel, OnnxNode } from '../../../lab/zoo/onnx/onnx-types.js';
import { encodePng } from '../../../mux/image/image.js';
import { hasBinding } from '../../../mux/inference/binding.js';
import { both, imported, SIDE, tensor, tinyModel } from './support/tiny.js';

/** The tiny model with a node between its flat maps and its linear layer. */
function between(opset: number, one: OnnxNode, domain?: string): OnnxModel {
  const model = tinyModel({ opset });
  const gemm = model.graph?.node?.find(({ opType }) => opType === 'Gemm');
  if (gemm?.input) gemm.input[0] = 'g';
  model.graph?.node?.splice(-1, 0, one);
  const values = Array.from({ length: 32 }, (_, i) => 0.5 + i / 32);
  model.graph?.initializer?.push(tensor('gain', [32], values), tensor('shift', [32], values));
  if (domain !== undefined) model.opsetImport?.push({ domain, version: 1 });
  return model;
}

const cloud = tinyModel({ seed: 2 });

t.test(
  'what opset 16 has under the same name, or in parts, is brought down to it for a Jetson',
  async (t) => {
    const plain = tinyModel({ opset: 17 });
    const normalised = between(17, node('LayerNormalization', ['f', 'gain', 'shift'], 'g', { axis: -1 }));
    const gelu = between(20, node('Gelu', ['f'], 'g'));
    for (const local of [plain, normalised, gelu]) {
      const { zoo, said } = await imported(t, { local, cloud: local });
      t.match(said, /brought down to 16/);
      t.same(zoo.modelById('local').needs?.opset, 16);
      t.not(zoo.modelById('cloud').needs?.opset, 16, 'the server has the newer one');
    }
    const stays = between(18, node('Mish', ['f'], 'g'));
    await t.rejects(imported(t, { local: stays, cloud }), {
      code: 'MODEL_UNUSABLE',
      message: /opset 18 \(Mish\) is newer than .*1.11.*opset_version=16.*--target local=any/s,
    });
  },
);

t.test('axes that became an input are an attribute again', (t) => {
  const graph = {
    node: [
      integers('axes', [2, 3]),
      node('ReduceMean', ['x', 'axes'], 'y', { keepdims: 0, noop_with_empty_axes: 0 }),
      node('Split', ['y'], 'z', { axis: 1, num_outputs: 2 }),
      node('Resize', ['z'], 'w', { antialias: 1 }),
    ],
  };
  const { nodes, left } = lower(graph);
  const [, mean, split] = nodes;
  t.same(mean?.input, ['x']);
  t.match(mean?.attribute, [{ name: 'keepdims' }, { name: 'axes', ints: [2, 3] }]);
  t.match(split?.attribute, [{ name: 'axis' }]);
  t.same(left, ['Resize'], 'antialiasing is not known there');
  t.end();
});

t.test('a batch of 1 inside a graph that declares a free one is freed', async (t) => {
  const { said } = await imported(t, both({ reshape: [1, -1] }));
  t.equal(said.match(/freed from a batch of 1/g)?.length, 2);
});

t.test(
  'an operator that ONNX Runtime 1.11 lacks is found at import',
  { skip: !hasBinding('onnxruntime-node-1.11') && 'no onnxruntime-node-1.11' },
  async (t) => {
    const quick = between(13, { ...node('QuickGelu', ['f'], 'g'), domain: 'com.microsoft' }, 'com.microsoft');
    await t.rejects(imported(t, { local: quick, cloud }), {
      code: 'MODEL_UNUSABLE',
      message: /ONNX Runtime 1.11 .*does not load it.*--target local=any/s,
    });
    const { said } = await imported(t, { local: cloud, cloud: quick });
    t.match(said, /wrote /);
  },
);

t.test(
  'one folder that is no class is refused with the nearest label, though there are as many as classes',
  async (t) => {
    const dir = join(t.testdir(), 'pictures');
    for (const name of ['cat', 'dog', 'cows']) {
      await mkdir(join(dir, name), { recursive: true });
      const pixels = new Uint8Array(SIDE * SIDE * 3).fill(99);
      await writeFile(
        join(dir, name, '1.png'),
        await encodePng(pixels, { height: SIDE, width: SIDE, channels: 3 }),
      );
    }
    await t.rejects(imported(t, both(), { calibrate: dir }, join(t.testdirName, 'in')), {
      code: 'CONFIG_INVALID',
      message: /1 of them are no class names: 'cows' \(the nearest label is 'cow'\)/,
    });
  },
);
