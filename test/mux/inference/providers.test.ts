import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { MUX_ID, type SessionSpec } from '../../../mux/inference/inference.js';
import { profileProviders } from '../../../mux/inference/runtime.js';
import { loadZoo, type Zoo } from '../../../mux/zoo/zoo.js';
import { FLOAT, floats, node, tensorInfo, UINT8, type Graph } from '../support/onnx.js';
import { IMAGES, linear, MUX, PROBABILITIES, SCORE, SMALL, writeTinyZoo } from '../support/tiny-zoo.js';
import { cpuInference } from '../support/zoos.js';

const cudaIsHere = false; // the shipped binding has no CUDA library beside it; see docs for the server's set-up

async function zooWith(t: Test, models: Record<string, Graph> = {}): Promise<Zoo> {
  return loadZoo((await writeTinyZoo(t.testdir(), undefined, models)).dir);
}

t.test(
  'a provider that does not work is recorded and the next one is taken',
  { skip: cudaIsHere },
  async (t) => {
    const inference = cpuInference(await zooWith(t), { providers: ['tensorrt', 'cuda', 'cpu'] });
    t.teardown(() => inference.stop());
    const { provider, attempts } = await inference.start();
    t.equal(provider, 'cpu');
    t.match(attempts, [
      { provider: 'tensorrt', ok: false, error: /TensorRT|tensorrt|backend/ },
      { provider: 'cuda', ok: false, error: /Cuda|CUDA|backend/ },
      { provider: 'cpu', ok: true },
    ]);
  },
);

t.test('requireProvider takes the first or none, and tells why', { skip: cudaIsHere }, async (t) => {
  const inference = cpuInference(await zooWith(t), { providers: ['cuda', 'cpu'], requireProvider: true });
  await t.rejects(inference.start(), {
    code: 'PROVIDER_UNAVAILABLE',
    details: { attempts: [{ provider: 'cuda', ok: false }] },
  });
  await t.rejects(
    inference.decide(new Uint8Array(4), { mode: 'mux', thresholds: { mux: 0.5 }, privacy: 'normal' }),
    {
      code: 'INFERENCE_STOPPED',
    },
  );
  await inference.stop();
});

t.test('a list of providers of which none works is refused too', { skip: cudaIsHere }, async (t) => {
  const inference = cpuInference(await zooWith(t), { providers: ['tensorrt', 'cuda'] });
  await t.rejects(inference.start(), { code: 'PROVIDER_UNAVAILABLE', message: /tensorrt.*cuda/ });
});

t.test('the profile of a run tells which provider computed its nodes', async (t) => {
  const zoo = await zooWith(t);
  const spec: SessionSpec = {
    id: 'small',
    kind: 'model',
    path: zoo.path('small.onnx'),
    input: zoo.input,
    classes: 3,
  };
  const counts = await profileProviders(spec, { provider: 'cpu', deviceId: 0, threads: 1 });
  t.same(Object.keys(counts), ['CPUExecutionProvider']);
  t.ok(counts['CPUExecutionProvider']! > 0);
});

const renamed = (graph: Graph, from: string, to: string): Graph => {
  const swap = (bytes: Buffer) => Buffer.from(bytes.toString('latin1').replaceAll(from, to), 'latin1');
  const { nodes, initializers, inputs, outputs } = graph;
  return { initializers, nodes: nodes.map(swap), inputs: inputs.map(swap), outputs: outputs.map(swap) };
};
/** For images of 2 x 3. */
const WIDER: Graph = {
  ...SMALL,
  initializers: [floats('w', [6, 3], new Array<number>(18).fill(0.01))],
  inputs: [tensorInfo('images', UINT8, ['N', 2, 3, 1])],
};
const unusable: Record<string, [Record<string, Graph>, RegExp]> = {
  'another input name': [{ 'small.onnx': renamed(SMALL, 'images', 'pixels') }, /images/],
  'another output name': [
    { 'small.onnx': renamed(SMALL, 'probabilities', 'probabilitees') },
    /probabilities/,
  ],
  'a float input': [
    { 'small.onnx': { ...SMALL, inputs: [tensorInfo('images', FLOAT, ['N', 2, 2, 1])] } },
    /uint8/,
  ],
  'another image size': [{ 'big.onnx': WIDER }, /2,2,1/],
  'a fixed batch size': [
    { 'big.onnx': { ...SMALL, inputs: [tensorInfo('images', UINT8, [1, 2, 2, 1])] } },
    /\[N,2,2,1\]/,
  ],
  'other classes': [
    { 'big.onnx': { ...SMALL, outputs: [tensorInfo('probabilities', FLOAT, ['N', 4])] } },
    /\[N,3\]|load/,
  ],
  'a mux without score': [{ 'mux.onnx': linear(new Array<number>(12).fill(0)) }, /score/],
  'a mux with a score for each class': [
    {
      'mux.onnx': {
        ...MUX,
        nodes: [...MUX.nodes.slice(0, -2), node('Identity', ['z'], 'score')],
        outputs: [tensorInfo('score', FLOAT, ['N', 3]), PROBABILITIES],
      },
    },
    /score/,
  ],
};
for (const [title, [models, words]] of Object.entries(unusable)) {
  t.test(`a network with ${title} is MODEL_UNUSABLE, whatever the provider`, async (t) => {
    const inference = cpuInference(await zooWith(t, models), { providers: ['cuda', 'cpu'] });
    t.teardown(() => inference.stop());
    await t.rejects(inference.start(), { code: 'MODEL_UNUSABLE', message: words });
  });
}

t.test('a file that is no ONNX model is MODEL_UNUSABLE', async (t) => {
  const zoo = await zooWith(t);
  await writeFile(join(zoo.dir, 'big.onnx'), 'not a model');
  await t.rejects(cpuInference(zoo).start(), { code: 'MODEL_UNUSABLE' });
});

t.test('an option that asks for what the zoo lacks is refused before any thread starts', async (t) => {
  const zoo = await zooWith(t);
  await t.rejects(cpuInference(zoo, { models: ['stranger'] }).start(), {
    code: 'ZOO_INVALID',
    message: /stranger/,
  });
  await t.rejects(cpuInference({ ...zoo, muxPair: null }, { mux: 'pair' }).start(), { code: 'ZOO_INVALID' });
});

t.test('a mux may come with further outputs, and only the ones it needs are looked at', async (t) => {
  const models = {
    'mux.onnx': {
      ...MUX,
      outputs: [SCORE, PROBABILITIES, tensorInfo('z', FLOAT, ['N', 3])],
      inputs: [IMAGES],
    },
  };
  const inference = cpuInference(await zooWith(t, models));
  t.teardown(() => inference.stop());
  t.ok((await inference.start()).warmupMs[MUX_ID]);
});
