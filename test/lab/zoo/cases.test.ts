/** Files that people really have, each with what an import should do of them. */
import { cp, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { runImport } from '../../../lab/zoo/import.js';
import { importOptions } from '../../../lab/zoo/import-options.js';
import { decodeModel } from '../../../lab/zoo/onnx/onnx-file.js';
import { toNumber } from '../../../lab/zoo/onnx/onnx-types.js';
import { hasBinding } from '../../../mux/inference/binding.js';
import { loadZoo, type Zoo } from '../../../mux/zoo/zoo.js';
import { cpuInference } from '../../mux/support/zoos.js';

const CASES = '../shared/cases/models';
const skip = !existsSync(CASES) && `no ${CASES}`;
const file = (name: string): string => join(CASES, name);
const P = {
  mean: ['0.485,0.456,0.406'],
  std: ['0.229,0.224,0.225'],
  labels: file('cifar-labels.txt'),
  name: 't',
};
/** What files too new or with operators of somebody else are tried in. */
const oldest = hasBinding('onnxruntime-node-1.11');

interface Done {
  zoo: Zoo;
  said: string;
}

async function imports(
  t: Test,
  local: string,
  cloud: string,
  extra: Record<string, unknown> = {},
): Promise<Done> {
  const dir = await mkdtemp(join(tmpdir(), 'edgemux-cases-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  let said = '';
  const model = [`local=${file(local)}`, `cloud=${file(cloud)}`];
  const options = importOptions({ ...P, model, out: join(dir, 'zoo'), ...extra });
  await runImport(options, { write: (text) => (said += text), wallMs: () => 0 });
  return { zoo: await loadZoo(options.outDir), said };
}

/** Sums of the probabilities that a network of the zoo gives for three images at once. */
async function sums(t: Test, zoo: Zoo, id: string): Promise<number[]> {
  const inference = cpuInference(zoo);
  t.teardown(() => inference.stop());
  await inference.start();
  const { height, width } = zoo.inputOf(id);
  const pixels = Uint8Array.from({ length: 3 * height * width * 3 }, (_, i) => (i * 57) % 256);
  const { probabilities } = await inference.classify(id, pixels, 3);
  await inference.stop();
  const classes = zoo.classes;
  return [0, 1, 2].map((i) =>
    probabilities.subarray(i * classes, (i + 1) * classes).reduce((a, b) => a + b, 0),
  );
}

t.test('one folder of ten that is no class is refused with the nearest label', { skip }, async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'edgemux-folders-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  await cp(file('f20'), dir, { recursive: true });
  const extra = { labels: file('own-order.txt'), calibrate: dir };
  const { zoo } = await imports(t, 'small-own.onnx', 'large-own.onnx', extra);
  t.match(zoo.manifest.policy.calibration, { images: 20 });
  await rename(join(dir, 'airplane'), join(dir, 'aeroplane'));
  await t.rejects(imports(t, 'small-own.onnx', 'large-own.onnx', extra), {
    code: 'CONFIG_INVALID',
    message: /'aeroplane'.*nearest label is 'airplane'/,
  });
});

t.test('quantised probabilities are normalised, and get no second softmax', { skip }, async (t) => {
  const quantised = 'double-softmax/qdq-softmax-out.onnx';
  for (const extra of [{}, { 'output-is': ['local=probabilities'] }]) {
    const { zoo, said } = await imports(t, quantised, 'large48.onnx', extra);
    t.match(said, /local: .*\n.*probabilities normalised/);
    for (const sum of await sums(t, zoo, 'local')) t.ok(Math.abs(sum - 1) < 1e-5, `sum ${sum}`);
  }
  await t.rejects(imports(t, quantised, 'large48.onnx', { 'output-is': ['local=logits'] }), {
    message: /ends in a softmax/,
  });
});

t.test('a batch that is free by its name and fixed inside is freed', { skip }, async (t) => {
  const { zoo, said } = await imports(
    t,
    'lying-dynamic/lying-dynamic.onnx',
    'lying-dynamic/static1-reshape.onnx',
  );
  t.equal(said.match(/freed from a batch of 1/g)?.length, 2);
  t.equal((await sums(t, zoo, 'local')).length, 3);
});

t.test('newer operator sets are taken by the server, and brought down for a Jetson', { skip }, async (t) => {
  for (const name of ['opset17', 'ln17']) {
    const path = `lying-dynamic/${name}.onnx`;
    const { zoo, said } = await imports(t, path, path);
    t.match(said, /opset 17 brought down to 16/);
    const [local, cloud] = ['local', 'cloud'].map((id) => zoo.modelById(id));
    t.same(local?.needs, { opset: 16, ir: 8 });
    t.same(cloud?.needs, { opset: 17, ir: 8 });
    if (oldest) t.notMatch(said, /not tried/, 'tried in ONNX Runtime 1.11');
    const any = await imports(t, path, path, { target: ['any'] });
    t.equal(any.zoo.modelById('local').needs?.opset, 17);
    const written = decodeModel(await readFile(any.zoo.path('local.onnx')), 'local.onnx');
    t.equal(toNumber(written.opsetImport?.[0]?.version), 17);
  }
});

t.test('each network of a pair has its own size, said or read from the file', { skip }, async (t) => {
  for (const extra of [{}, { size: ['local=32', 'cloud=48'] }]) {
    const { zoo } = await imports(t, 'small.onnx', 'large48.onnx', extra);
    t.same([zoo.inputOf('local').height, zoo.inputOf('cloud').height], [32, 48]);
    t.equal(zoo.manifest.schema, 2);
  }
  await t.rejects(imports(t, 'small.onnx', 'large48.onnx', { size: ['32'] }), {
    message: /Pass --size cloud=48x48/,
  });
});

t.test('one option leaves a background class out', { skip }, async (t) => {
  await t.rejects(imports(t, 'small.onnx', 'eleven.onnx'), { message: /pass --classes cloud=1:/ });
  const { zoo } = await imports(t, 'small.onnx', 'eleven.onnx', { classes: ['cloud=1:'] });
  for (const sum of await sums(t, zoo, 'cloud')) t.ok(Math.abs(sum - 1) < 1e-5, `sum ${sum}`);
});

t.test('an operator that the target lacks is found at import', { skip }, async (t) => {
  const { said } = await imports(t, 'small.onnx', 'quickgelu.onnx');
  t.match(said, /wrote /, 'the server has it');
  if (!oldest) return t.comment('no onnxruntime-node-1.11 here: not tried in it');
  await t.rejects(imports(t, 'quickgelu.onnx', 'large48.onnx'), {
    code: 'MODEL_UNUSABLE',
    message: /quickgelu.onnx: ONNX Runtime 1.11 .*does not load it: .*QuickGelu.*--target local=any/,
  });
});

t.test('labels in UTF-16 are read', { skip }, async (t) => {
  const { zoo } = await imports(t, 'small.onnx', 'large48.onnx', { labels: file('utf16.txt') });
  t.same(zoo.labels.slice(0, 2), ['airplane', 'automobile']);
});
