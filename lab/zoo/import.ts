/** `edgemux zoo import`: somebody's ONNX classifiers become a zoo that device and server run at once. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { EdgemuxError } from '../../common/errors.js';
import { EXIT } from '../../common/exit.js';
import { packageVersion } from '../../common/version.js';
import { parseManifest } from '../../mux/zoo/manifest.js';
import { policyFromManifest } from '../../mux/rules/policy-settings.js';
import { loadZoo } from '../../mux/zoo/zoo.js';
import { calibrate } from './calibrate.js';
import { readClassNames, type ClassNames } from './class-names.js';
import type { ImportOptions, ModelOption } from './import-options.js';
import { modelLines, policyLines } from './import-report.js';
import { prove, type Proof } from './prove.js';
import { oddNormalisation } from './suspicions.js';
import { classFolders } from './class-folders.js';
import { TEST_LIST, testListText } from './test-list.js';
import { betterPreparation, runProbe } from './try-preparations.js';

export interface ImportDeps {
  write: (text: string) => void;
  /** Milliseconds since the epoch, for the zoo's version. */
  wallMs: () => number;
}

const systemDeps: ImportDeps = { write: (text) => process.stdout.write(text), wallMs: () => Date.now() };

/** One model that has been proved, and its file name in the zoo. */
interface Taken {
  option: ModelOption;
  proof: Proof;
  file: string;
}

/**
 * Imports. Where anything fails the folder stays as it was. Returns the exit code.
 *
 * @throws EdgemuxError CONFIG_INVALID (flags, labels file), MODEL_UNUSABLE (a model, with the remedy)
 */
export async function runImport(options: ImportOptions, deps: ImportDeps = systemDeps): Promise<number> {
  if (options.probeDir !== null) {
    await runProbe(options, options.probeDir, deps.write);
    return EXIT.ok;
  }
  const names = await readClassNames(options.labelsFile);
  const out = resolve(options.outDir);
  await assertFree(out, options.force);
  await mkdir(dirname(out), { recursive: true });
  const staging = await mkdtemp(join(dirname(out), '.edgemux-import-'));
  try {
    const taken = await takeModels(options, names, staging, deps);
    await writeManifest(staging, manifestOf(options, names, taken, deps));
    await listTest(options, staging, deps);
    await policyOf(options, names, staging, deps);
    policyFromManifest(await loadZoo(staging));
    await moveInto(staging, out);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  deps.write(`wrote ${options.outDir}\n\n${nextSteps(options)}`);
  return EXIT.ok;
}

async function assertFree(out: string, force: boolean): Promise<void> {
  const found = await readdir(out).catch((): string[] => []);
  if (found.length === 0) return;
  if (!found.includes('manifest.json'))
    throw new EdgemuxError('CONFIG_INVALID', `--out: ${out} holds other things; name a new folder`);
  if (!force)
    throw new EdgemuxError('CONFIG_INVALID', `--out: ${out} holds a zoo already; --force replaces it`);
}

async function takeModels(
  options: ImportOptions,
  names: ClassNames,
  folder: string,
  deps: ImportDeps,
): Promise<Taken[]> {
  const taken: Taken[] = [];
  for (const option of options.models) {
    deps.write(`${option.id}: ${option.file}\n`);
    const odd = oddNormalisation(option.id, option.normalisation);
    if (odd !== null) deps.write(`  warning: ${odd}\n`);
    const proof = await prove(option, { names, imageFile: options.imageFile, folder });
    const file = `${option.id}.onnx`;
    await writeFile(join(folder, file), proof.bytes);
    deps.write(modelLines(option, proof, names.labels, options.imageFile));
    taken.push({ option, proof, file });
  }
  for (const temporary of ['target.onnx', 'target.json']) await rm(join(folder, temporary), { force: true });
  return withCloud(taken, deps);
}

/** Where nobody named the server's model it is the dearest. */
function withCloud(taken: Taken[], deps: ImportDeps): Taken[] {
  const byCost = [...taken].sort((a, b) => a.proof.flops - b.proof.flops);
  const [cheapest] = byCost;
  const dearest = byCost.at(-1);
  if (cheapest && !cheapest.option.roles.includes('local')) {
    deps.write(
      `note: ${cheapest.option.id} costs less than the local model. Are the files the right way round?\n`,
    );
  }
  if (dearest && !taken.some(({ option }) => option.roles.includes('cloud'))) {
    dearest.option = { ...dearest.option, roles: [...dearest.option.roles, 'cloud'] };
  }
  return byCost;
}

function manifestOf(options: ImportOptions, names: ClassNames, taken: Taken[], deps: ImportDeps): object {
  const date = new Date(deps.wallMs()).toISOString();
  const local = taken.find(({ option }) => option.roles.includes('local'));
  return {
    schema: 2,
    name: options.name,
    version: date.slice(0, 10),
    licence: options.licence,
    input: local?.proof.input,
    labels: names.labels,
    ...(names.ids ? { classIds: names.ids } : {}),
    models: taken.map(modelEntry),
    policy: {
      mode: 'cascade',
      thresholds: { confidence: options.confidence },
      calibration: { target: 'none: the confidence was given, not calibrated' },
    },
    training: { imported: { date, edgemux: packageVersion(), models: taken.map(originEntry) } },
  };
}

/** A model as the manifest lists it. */
function modelEntry({ option, proof, file }: Taken): object {
  return {
    id: option.id,
    file,
    sha256: createHash('sha256').update(proof.bytes).digest('hex'),
    bytes: proof.bytes.length,
    input: proof.input,
    needs: proof.needs,
    roles: option.roles,
    architecture: `${basename(option.file)} (${proof.producer})`,
    flops: proof.flops,
    accuracy: null,
  };
}

/** Where a model came from and what was done to it. */
function originEntry({ option, proof }: Taken): object {
  return {
    id: option.id,
    file: basename(option.file),
    ...proof.preprocessing,
    scores: proof.reading,
    batchFreedFrom: proof.freedFrom,
    opsetLoweredFrom: proof.loweredFrom,
  };
}

async function writeManifest(folder: string, manifest: object): Promise<void> {
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  parseManifest(text, 'the manifest');
  await writeFile(join(folder, 'manifest.json'), text);
}

/** Takes a list of the test images into the zoo, where a folder of them was named; the pictures stay where they are. */
async function listTest({ testDir }: ImportOptions, staging: string, deps: ImportDeps): Promise<void> {
  if (testDir === null) return;
  const zoo = await loadZoo(staging);
  const { files, note } = await classFolders(zoo, testDir);
  if (note !== null) deps.write(`note: ${note}\n`);
  const text = testListText(resolve(testDir), files);
  await writeFile(join(staging, TEST_LIST), text);
  const sha256 = createHash('sha256').update(text).digest('hex');
  const testList = { file: TEST_LIST, sha256, bytes: Buffer.byteLength(text), count: files.length };
  await writeManifest(staging, { ...zoo.manifest, testList });
  deps.write(`test images: a list of ${files.length} in ${testDir}\n`);
}

/** Sets the confidence by labelled images, where there are some. */
async function policyOf(
  options: ImportOptions,
  names: ClassNames,
  staging: string,
  deps: ImportDeps,
): Promise<void> {
  const zoo = await loadZoo(staging);
  const found = options.calibrateDir === null ? null : await calibrate(zoo, options.calibrateDir, deps);
  deps.write(policyLines(options.confidence, found));
  const local = options.models.find(({ roles }) => roles.includes('local'));
  if (!found || !local || options.calibrateDir === null) return;
  const better = await betterPreparation(local, names, options.calibrateDir);
  if (better !== null) deps.write(`warning: ${better}\n`);
  const { confidence, ...calibration } = found;
  await writeManifest(staging, {
    ...zoo.manifest,
    policy: { mode: 'cascade', thresholds: { confidence }, calibration },
  });
}

/** The manifest goes first and comes last: without it a folder is no zoo. Other files of the folder stay. */
async function moveInto(staging: string, out: string): Promise<void> {
  await mkdir(out, { recursive: true });
  await rm(join(out, 'manifest.json'), { force: true });
  const files = (await readdir(staging)).filter((file) => file !== 'manifest.json');
  for (const file of [...files, 'manifest.json']) await rename(join(staging, file), join(out, file));
}

function nextSteps({ outDir }: ImportOptions): string {
  return [
    `the server:      edgemux-cloud run --zoo ${outDir} --broker mqtt://HOST`,
    `the device:      edgemux run --zoo ${outDir} --broker mqtt://HOST`,
    `labels, for a mux: edgemux label --zoo ${outDir} --images FOLDER --out labels.jsonl`,
    '',
  ].join('\n');
}
