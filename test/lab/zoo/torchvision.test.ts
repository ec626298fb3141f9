/** A real exported network: torchvision's mobilenet_v2 with random weights, plain NCHW float32, batch fixed to 1. */
import { spawnSync } from 'node:child_process';
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { z } from 'zod';
import { runImport } from '../../../lab/zoo/import.js';
import { importOptions } from '../../../lab/zoo/import-options.js';
import { goldenPixels } from '../../../lab/zoo/golden.js';
import { probe } from '../../../lab/zoo/probe.js';
import { checkVersions, findInput } from '../../../lab/zoo/onnx/onnx-check.js';
import { readModel } from '../../../lab/zoo/onnx/onnx-file.js';
import { FLOAT } from '../../../lab/zoo/onnx/onnx-types.js';
import { preprocess, type Preprocessing } from '../../../lab/zoo/onnx/onnx-pixels.js';
import { bakedModel, PROBE_INPUT } from '../../../lab/zoo/onnx/onnx-wrap.js';
import { softmax } from '../../../mux/rules/probabilities.js';
import { loadZoo } from '../../../mux/zoo/zoo.js';
import { candidates } from '../../../scripts/train/run.js';
import { cpuInference } from '../../mux/support/zoos.js';

const OLDEST = fileURLToPath(new URL('../../mux/support/oldest-runtime.js', import.meta.url));
const NEEDS = ['torch', 'torchvision', 'onnx'];
const PROBE = `import importlib.util as u, sys; sys.exit(any(u.find_spec(n) is None for n in ${JSON.stringify(NEEDS)}))`;
const python = candidates(process.env).find(
  (one) => spawnSync(one, ['-c', PROBE], { stdio: 'ignore', timeout: 20_000 }).status === 0,
);
const EXPORT = `
import sys, torch
sys.path.insert(0, 'scripts/train')
from networks.torchvision_nets import classifier
from networks import flops
torch.set_num_threads(1)
net = classifier('mobilenet_v2', 1000)
for layer in net.modules():
    if isinstance(layer, torch.nn.BatchNorm2d):
        layer.momentum = 1.0  # else random weights drown the picture, and the answers say nothing
with torch.no_grad():
    net.train()(torch.randn(4, 3, 224, 224))
net.eval()
torch.onnx.export(net, torch.zeros(1, 3, 224, 224), sys.argv[1], opset_version=13)
print(flops.count(net, (3, 224, 224)))
`;
const IMAGENET: Preprocessing = {
  height: 224,
  width: 224,
  colour: 'rgb',
  layout: 'nchw',
  scale: 255,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};

/** Probabilities that ONNX Runtime 1.11 gives, in a process of its own. */
async function inOldestRuntime(path: string, pixels: Uint8Array, dir: string): Promise<number[]> {
  const images = [Buffer.from(pixels).toString('base64')];
  await writeFile(
    join(dir, 'tasks.json'),
    JSON.stringify([{ path, height: 224, width: 224, channels: 3, images }]),
  );
  const run = spawnSync(process.execPath, [OLDEST, join(dir, 'tasks.json')], { encoding: 'utf8' });
  const answers = z.array(z.array(z.record(z.string(), z.array(z.number())))).parse(JSON.parse(run.stdout));
  return answers[0]?.[0]?.['probabilities'] ?? [];
}

t.test(
  'mobilenet_v2 as torch exports it computes the same in a zoo, in batches too, and its FLOPs are torch’s',
  { skip: python === undefined && `no Python with ${NEEDS.join(', ')}` },
  async (t) => {
    const dir = t.testdir();
    const file = join(dir, 'mobilenet.onnx');
    const made = spawnSync(python ?? '', ['-c', EXPORT, file], { encoding: 'utf8' });
    t.equal(made.status, 0, made.stderr.slice(-2000));
    await copyFile(file, join(dir, 'other.onnx'));
    await writeFile(join(dir, 'labels.txt'), Array.from({ length: 1000 }, (_, k) => `class-${k}`).join('\n'));
    const argv = {
      model: [`small:local=${file}`, `big:cloud=${join(dir, 'other.onnx')}`],
      labels: join(dir, 'labels.txt'),
      size: '224',
      mean: ['0.485,0.456,0.406'],
      std: ['0.229,0.224,0.225'],
      name: 'tv',
      out: join(dir, 'zoo'),
    };
    let said = '';
    t.equal(await runImport(importOptions(argv), { write: (text) => (said += text), wallMs: () => 0 }), 0);
    t.match(said, /softmax added, freed from a batch of 1/);
    const zoo = await loadZoo(join(dir, 'zoo'));
    t.equal(zoo.manifest.models[0]?.flops, Number(made.stdout.trim().split('\n').at(-1)));

    const pixels = await goldenPixels(null, zoo.input);
    const oldest = await inOldestRuntime(zoo.path('small.onnx'), pixels, dir);

    const model = await readModel(file);
    const asking = { id: 'small', path: file, target: 'jetpack46' } as const;
    const { name, type, batch } = findInput(model, asking, { size: null, layout: null, colour: 'rgb' });
    const output = model.graph.output?.[0]?.name ?? '';
    const scores = { output, type: FLOAT, own: 1000, classes: 1000, pick: null };
    const subject = { model, input: { name, type }, batch, scores, versions: checkVersions(model, asking) };
    const original = async (how: Preprocessing) => {
      const baked = bakedModel({ ...subject, preprocessing: how }, preprocess(pixels, how));
      const spec = { id: 'baked', input: PROBE_INPUT, classes: 1000, folder: dir };
      const [logits = new Float32Array()] = await probe(baked, spec, [
        { pixels: new Uint8Array(1), count: 1 },
      ]);
      return softmax(logits);
    };
    const inference = cpuInference(zoo);
    t.teardown(() => inference.stop());
    await inference.start();
    const { probabilities } = await inference.classify('small', Buffer.concat([pixels, pixels]), 2);
    await inference.stop();
    const apart = (wanted: Float32Array, row: number) =>
      wanted.reduce(
        (most, p, k) => Math.max(most, Math.abs(Math.log(p / (probabilities[1000 * row + k] ?? 0)))),
        0,
      );
    const right = await original(IMAGENET);
    t.ok(apart(right, 0) < 1e-3, `differs by ${apart(right, 0)}`);
    t.ok(apart(right, 1) < 1e-3, 'the second image of a batch');
    t.ok(
      oldest.every((p, k) => Math.abs(Math.log(p / (right[k] ?? 0))) < 1e-3),
      'in ONNX Runtime 1.11 too',
    );
    const wrong = await original({ ...IMAGENET, colour: 'bgr' });
    t.ok(apart(wrong, 0) > 0.01, `colours the other way round would show: ${apart(wrong, 0)}`);
  },
);
