/** What an import refuses, and what it says to do about it. */
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import t from 'tap';
import { runImport } from '../../../lab/zoo/import.js';
import { importOptions } from '../../../lab/zoo/import-options.js';
import { floats, node, tensorInfo } from '../../../lab/zoo/onnx/onnx-build.js';
import { INT64, UINT8 } from '../../../lab/zoo/onnx/onnx-types.js';
import { both, importArgs, imported, model, tensor, tinyModel, type TinyOptions } from './support/tiny.js';

t.test('what a zoo cannot take in is refused by name, with the remedy', async (t) => {
  const flip = (options: TinyOptions, extra = {}) => imported(t, both(options), extra);
  const cases: [string, () => Promise<unknown>, RegExp][] = [
    [
      'opset',
      () => flip({ opset: 23 }, { target: ['any'] }),
      /opset 23 is newer than .*1.22 reads: opset 7 to 22.*opset_version=22/s,
    ],
    ['old opset', () => flip({ opset: 6 }), /opset 6 is outside.*version_converter/],
    ['data type', () => flip({ inputType: 11 }), /input 'x' is float64 instead of one of float32, float16/],
    ['uint8', () => flip({ inputType: UINT8 }), /whole numbers of 0 to 255.*--scale local=1/],
    ['size', () => flip({}, { size: '8x8' }), /takes 4x4 images \(HxW\), not 8x8. Pass --size local=4x4/],
    [
      'layout',
      () => flip({ layout: 'nhwc' }, { layout: ['nchw'] }),
      /4 channels as nchw. Pass --layout nhwc/,
    ],
    ['colour', () => flip({ channels: 1 }), /--colour rgb means 3 channel/],
    [
      'labels',
      () => flip({ classes: 4 }),
      /has 4 classes, the labels file has 3. One more .*--classes local=1:/s,
    ],
    ['output', () => flip({}, { output: ['logits'] }), /no output 'logits', only y/],
    ['folder', () => flip({}, { model: ['local=none.onnx', 'cloud=none.onnx'] }), /none.onnx cannot be read/],
  ];
  for (const [name, attempt, message] of cases)
    await t.rejects(attempt(), { code: 'MODEL_UNUSABLE', message }, name);
});

t.test('inputs, outputs and scores of other kinds are refused', async (t) => {
  const two = tinyModel();
  two.graph?.input?.push(tensorInfo('more', 1, [1]));
  await t.rejects(imported(t, { local: two, cloud: two }), { message: /2 inputs \(x, more\)/ });
  const twice = tinyModel();
  twice.graph?.output?.push(tensorInfo('c', 1, ['N', 2, 4, 4]));
  await t.rejects(imported(t, { local: twice, cloud: twice }), { message: /2 outputs \(y, c\).*--output/ });
  const { zoo } = await imported(t, { local: twice, cloud: twice }, { output: ['y'] });
  t.equal(zoo.classes, 3);
  const integer = tinyModel();
  integer.graph?.output?.splice(0, 1, tensorInfo('y', INT64, ['N']));
  await t.rejects(imported(t, { local: integer, cloud: integer }), { message: /int64 instead of float32/ });
  const flat = model(
    {},
    {
      node: [node('ReduceMean', ['x'], 'y', { axes: [2, 3], keepdims: 0 })],
      input: [tensorInfo('x', 1, ['N', 3, 4, 4])],
      output: [tensorInfo('y', 1, ['N', 3])],
    },
  );
  await t.rejects(imported(t, { local: flat, cloud: flat }), { message: /--flops local=/ });
  const { zoo: given } = await imported(t, { local: flat, cloud: flat }, { flops: ['local=5', 'cloud=7'] });
  t.same(
    given.manifest.models.map(({ flops }) => flops),
    [5, 7],
  );
});

t.test('scores of another number than the graph says, and NaN, are seen in a run', async (t) => {
  const four = tinyModel({ classes: 4 });
  four.graph?.output?.splice(0, 1, { name: 'y', type: { tensorType: { elemType: 1 } } });
  await t.rejects(imported(t, { local: four, cloud: four }), {
    message: /does not give 3 scores.*number of labels/s,
  });
  const nan = tinyModel();
  nan.graph?.initializer?.splice(0, 1, tensor('w', [32, 3], new Array<number>(96).fill(NaN)));
  await t.rejects(imported(t, { local: nan, cloud: nan }), { message: /NaN or infinite.*--std/ });
});

t.test('an operator of somebody else is refused, weights in a loop are named as not counted', async (t) => {
  const foreign = tinyModel();
  foreign.opsetImport?.push({ domain: 'org.example', version: 1 });
  const gemm = foreign.graph?.node?.find(({ opType }) => opType === 'Gemm');
  if (gemm) gemm.domain = 'org.example';
  await t.rejects(imported(t, { local: foreign, cloud: foreign }), { message: /'org.example' 1/ });
  const odd = tinyModel();
  odd.graph?.node?.splice(-1, 1, floats('e', [32, 3], new Array<number>(96).fill(0.1)), {
    ...node('Einsum', ['f', 'e'], 'y'),
    attribute: [{ name: 'equation', type: 3, s: Buffer.from('nd,dk->nk') }],
  });
  const { said, zoo } = await imported(t, { local: odd, cloud: odd });
  t.match(said, /not counted.*Einsum/);
  t.equal(zoo.manifest.models[0]?.flops, 27 * 32);
});

t.test('a labels file with a gap, and none at all, are refused', async (t) => {
  const write = async (text: string) => {
    const file = join(t.testdir({ labels: { 'labels.txt': text } }), 'labels', 'labels.txt');
    const options = { ...importOptions(await importArgs(dirname(file), both())), labelsFile: file };
    await writeFile(file, text);
    return runImport(options, { write: () => undefined, wallMs: () => 0 });
  };
  await t.rejects(write('a\n\nb\n'), { code: 'CONFIG_INVALID', message: /no name in line 2/ });
  await t.rejects(write('a\n'), { message: /has 1 line/ });
  const none = importOptions(await importArgs(t.testdir(), both(), { labels: 'none.txt' }));
  await t.rejects(runImport(none), { code: 'CONFIG_INVALID', message: /none.txt cannot be read/ });
});
