/** Every shipped network, loaded and run by ONNX Runtime 1.11: what a TX2 has. */
import { spawn } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { z } from 'zod';
import { seededRandom } from '../../../common/random.js';
import { parseManifest, type Manifest } from '../../../mux/zoo/manifest.js';
import type { OldestAnswer, OldestTask } from '../support/oldest-runtime.js';

const MODELS = fileURLToPath(new URL('../../../../models', import.meta.url));
const PROGRAM = fileURLToPath(new URL('../support/oldest-runtime.js', import.meta.url));
/** Float32 sums of another release, in another order. */
const TOLERANCE = 1e-4;

const values = z.array(z.number());
const goldenSchema = z.object({
  images: z
    .array(
      z.object({
        pixels: z.string(),
        models: z.record(z.string(), values),
        mux: z.object({ score: z.number(), probabilities: values }),
        group: z.object({ correct: values, weights: values }).optional(),
      }),
    )
    .min(1),
});
type Golden = z.infer<typeof goldenSchema>['images'];

/** What a file of the zoo should answer to each golden image; null where the zoo does not say. */
function wantedOf(manifest: Manifest, file: string, golden: Golden): OldestAnswer[] | null {
  const model = manifest.models.find((entry) => entry.file === file);
  if (model) return golden.map(({ models }) => ({ probabilities: models[model.id] ?? [] }));
  if (manifest.mux?.pair?.file === file)
    return golden.map(({ mux }) => ({ score: [mux.score], probabilities: mux.probabilities }));
  if (manifest.mux?.group?.file === file && golden.every(({ group }) => group))
    return golden.map(({ group }) => ({ correct: group?.correct ?? [], weights: group?.weights ?? [] }));
  const others = manifest.ablations?.flatMap(({ mux }) => [mux.pair?.file, mux.group?.file]) ?? [];
  return others.includes(file) ? golden.map(() => ({})) : null; // it must run; nothing says what it answers
}

/** ONNX Runtime 1.11 in a process of its own. */
function oldestRuntime(file: string): Promise<OldestAnswer[][]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [PROGRAM, file], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, said] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (out += String(chunk)));
    child.stderr.on('data', (chunk: Buffer) => (said += String(chunk)));
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve(JSON.parse(out) as OldestAnswer[][]) : reject(new Error(`exit ${code}: ${said}`)),
    );
  });
}

const files = (await readdir(MODELS, { recursive: true })).filter((file) => file.endsWith('.onnx')).sort();

function drawnPicture(values: number): string {
  const random = seededRandom(1);
  return Buffer.from(Array.from({ length: values }, () => Math.floor(random() * 256))).toString('base64');
}

t.test('every ONNX file under models/ runs in ONNX Runtime 1.11 and gives the golden answers', async (t) => {
  t.ok(files.length > 0, 'there are models');
  const wanted: (OldestAnswer[] | null)[] = [];
  const tasks: OldestTask[] = [];
  for (const file of files) {
    const folder = join(MODELS, dirname(file));
    const manifest = parseManifest(await readFile(join(folder, 'manifest.json'), 'utf8'), folder);
    const own = manifest.models.find((entry) => entry.file === basename(file))?.input ?? manifest.input;
    const { height, width, channels } = own;
    if (!manifest.golden) {
      // a zoo that was imported without pictures: its networks must run, nothing says what they answer
      const drawn = drawnPicture(height * width * channels);
      tasks.push({ path: join(MODELS, file), height, width, channels, images: [drawn] });
      wanted.push([{}]);
      continue;
    }
    const text = await readFile(join(folder, manifest.golden.file), 'utf8');
    const golden = goldenSchema.parse(JSON.parse(text)).images;
    const images = golden.map(({ pixels }) => pixels);
    tasks.push({ path: join(MODELS, file), height, width, channels, images });
    wanted.push(wantedOf(manifest, basename(file), golden));
  }
  const tasksFile = join(t.testdir(), 'tasks.json');
  await writeFile(tasksFile, JSON.stringify(tasks));
  const answers = await oldestRuntime(tasksFile);
  files.forEach((file, k) => {
    t.ok(wanted[k], `${file} is a model or a mux of its zoo`);
    wanted[k]?.forEach((outputs, i) => {
      t.ok(Object.values(answers[k]?.[i] ?? { none: [NaN] }).every((found) => found.every(Number.isFinite)));
      for (const [name, expected] of Object.entries(outputs)) {
        const found = answers[k]?.[i]?.[name] ?? [];
        const farthest = Math.max(...expected.map((value, j) => Math.abs(value - (found[j] ?? NaN))));
        if (!(found.length === expected.length && farthest < TOLERANCE))
          t.fail(`${file}: output '${name}' of golden image ${i} differs by ${farthest}`);
      }
    });
  });
});
