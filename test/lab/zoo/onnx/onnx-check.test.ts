/** Versions that ONNX Runtime 1.11 reads, and what is newer only by its number. */
import t from 'tap';
import { node } from '../../../../lab/zoo/onnx/onnx-build.js';
import { checkVersions } from '../../../../lab/zoo/onnx/onnx-check.js';
import type { ReadModel } from '../../../../lab/zoo/onnx/onnx-file.js';

function model(ir: number, more: Partial<ReadModel> = {}): ReadModel {
  const graph = { node: [node('Relu', ['x'], 'y')] };
  return { irVersion: ir, opsetImport: [{ domain: '', version: 13 }], graph, ...more };
}

const asking = { id: 'local', path: 'a.onnx', target: 'jetpack46' } as const;
const written = (one: ReadModel) => checkVersions(one, asking).writtenIr;
const refusal = (message: RegExp) => ({ code: 'MODEL_UNUSABLE', message });

t.test('a file that is newer by its IR number alone is written as IR 8', (t) => {
  t.same(
    [3, 4, 7, 8, 9, 10].map((ir) => written(model(ir))),
    [4, 4, 7, 8, 8, 8],
  );
  t.end();
});

t.test('what IR 8 has no words for is refused', (t) => {
  const float8 = { name: 'w', dims: [1], dataType: 17, rawData: new Uint8Array(1) };
  const inside = model(9, { graph: { node: [node('Relu', ['x'], 'y')], initializer: [float8] } });
  t.throws(() => written(inside), refusal(/IR 9 with data type 17 is newer than .*IR up to 8/));
  t.throws(() => written(model(10, { functions: [{}] })), refusal(/IR 10 with functions/));
  t.equal(written(model(8, { functions: [{}] })), 8);
  t.throws(() => written(model(8, { trainingInfo: [{}] })), refusal(/training graph/));
  t.end();
});

t.test('other operator sets count where a node is of them', (t) => {
  const opsets = (domain: string, version: number) => [
    { domain: 'ai.onnx', version: 16 },
    { domain, version },
  ];
  t.equal(written(model(8, { opsetImport: opsets('com.example', 1) })), 8, 'named, not used');
  const used = (domain: string, version: number) => {
    const graph = { node: [{ ...node('Gelu', ['x'], 'y'), domain }] };
    return () => written(model(8, { graph, opsetImport: opsets(domain, version) }));
  };
  t.equal(used('com.microsoft', 1)(), 8);
  t.throws(used('com.example', 1), refusal(/operator Gelu is of 'com.example' 1/));
  t.throws(used('ai.onnx.ml', 3), refusal(/'ai.onnx.ml' 3/));
  t.throws(() => written(model(8, { opsetImport: [] })), refusal(/opset 0 is outside/));
  t.end();
});
