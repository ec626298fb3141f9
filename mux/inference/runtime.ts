/**
 * The one place that talks to ONNX Runtime, through the binding of `binding.ts`.
 *
 * What that wants (1.11 to 1.22): sessions are created from a path, since from a buffer 1.11 ignores all options; all outputs are fetched, since a subset comes back under wrong
 * names; a missing provider library rejects `create()`, but a provider may also be accepted and not used, or fail
 * only in `run()`: therefore runs and a profile prove it. `run()` blocks the thread that calls it.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EdgemuxError, messageOf } from '../../common/errors.js';
import { binding, releaseSession, type InferenceSession } from './binding.js';
import { tooNew } from '../zoo/needs.js';
import type { Provider } from '../config.js';
import type { SessionSpec } from './inference-types.js';

export interface SessionOptions {
  provider: Provider;
  deviceId: number;
  /** Threads inside one run; 0 = ONNX Runtime's own choice. */
  threads: number;
}

/** Outputs of `count` images; `score` only of the pair's mux, `correct` and `weights` only of the group's. */
export interface Outputs {
  probabilities: Float32Array;
  score: Float32Array | null;
  correct: Float32Array | null;
  weights: Float32Array | null;
}

export interface Session {
  spec: SessionSpec;
  /**
   * @param pixels uint8, count · H · W · C bytes
   * @throws EdgemuxError INFERENCE_FAILED (the run itself), MODEL_UNUSABLE (outputs of a wrong shape)
   */
  run(pixels: Uint8Array, count: number): Promise<Outputs>;
  release(): Promise<void>;
}

const INPUT = 'images';

/**
 * Opens one network on one provider.
 *
 * @throws EdgemuxError MODEL_UNUSABLE where inputs or outputs are not what a zoo promises; what ONNX Runtime throws
 *   where file or provider cannot be used
 */
export async function openSession(spec: SessionSpec, options: SessionOptions): Promise<Session> {
  const why = spec.needs && tooNew(spec.needs, binding.version);
  if (why) throw unusable(spec, why);
  const session = await binding.ort.InferenceSession.create(spec.path, sessionOptions(options));
  try {
    checkInterface(spec, session);
  } catch (error) {
    await releaseSession(session);
    throw error;
  }
  return {
    spec,
    run: (pixels, count) => run(spec, session, pixels, count),
    release: () => releaseSession(session),
  };
}

function sessionOptions({ provider, deviceId, threads }: SessionOptions): InferenceSession.SessionOptions {
  const gpu = { cuda: { name: 'cuda', deviceId }, tensorrt: { name: 'tensorrt', deviceId } };
  const executionProviders = {
    cpu: ['cpu'],
    // `cpu`, which ONNX Runtime adds anyway, is what 1.11 finds its backend by
    cuda: [gpu.cuda, 'cpu'],
    // TensorRT leaves what it cannot compile to the next in line
    tensorrt: [gpu.tensorrt, gpu.cuda, 'cpu'],
  }[provider];
  return {
    executionProviders,
    graphOptimizationLevel: 'all',
    logSeverityLevel: 4, // 1.11 does not read env.logLevel
    ...(threads > 0 ? { intraOpNumThreads: threads } : {}),
    // Spinning threads would burn the power that we measure.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  };
}

async function run(
  spec: SessionSpec,
  session: InferenceSession,
  pixels: Uint8Array,
  count: number,
): Promise<Outputs> {
  const { height, width, channels } = spec.input;
  if (pixels.length !== count * height * width * channels) {
    throw new EdgemuxError(
      'INFERENCE_FAILED',
      `${spec.id}: ${pixels.length} bytes are not ${count} images of ${height} x ${width} x ${channels}`,
    );
  }
  let outputs: InferenceSession.OnnxValueMapType;
  try {
    outputs = await session.run({
      [INPUT]: new binding.ort.Tensor('uint8', pixels, [count, height, width, channels]),
    });
  } catch (cause) {
    throw new EdgemuxError('INFERENCE_FAILED', `${spec.id}: ${messageOf(cause)}`, { cause });
  }
  const dims = promisedDims(spec);
  const read = (name: keyof Outputs) =>
    dims[name] ? floats(spec, outputs, name, [count, ...dims[name]]) : null;
  return {
    probabilities: floats(spec, outputs, 'probabilities', [count, spec.classes]),
    score: read('score'),
    correct: read('correct'),
    weights: read('weights'),
  };
}

/** Outputs that a network of this kind has, and their dims beside N. */
function promisedDims({ kind, classes, models = 0 }: SessionSpec): Partial<Record<keyof Outputs, number[]>> {
  if (kind === 'mux') return { score: [], probabilities: [classes] };
  if (kind === 'group-mux') return { correct: [models], weights: [models], probabilities: [classes] };
  return { probabilities: [classes] };
}

/** One output as float32 of exactly the wanted dims. */
function floats(
  spec: SessionSpec,
  outputs: InferenceSession.OnnxValueMapType,
  name: string,
  dims: number[],
): Float32Array {
  const value = outputs[name];
  if (value?.data instanceof Float32Array && value.dims.join() === dims.join()) return value.data;
  throw unusable(
    spec,
    `output '${name}' came as ${value?.type ?? 'nothing'} [${value?.dims.join() ?? ''}] instead of float32 [${dims.join()}]`,
  );
}

/** Compares names, types and dims with `images` uint8 [N,H,W,C] → what `promisedDims` says, float32. */
function checkInterface(spec: SessionSpec, session: InferenceSession): void {
  const { height, width, channels } = spec.input;
  const outputs = Object.entries(promisedDims(spec));
  expect(spec, 'inputs', session.inputNames.join(), INPUT);
  for (const [name] of outputs) {
    if (!session.outputNames.includes(name)) {
      throw unusable(spec, `there is no output '${name}', only ${session.outputNames.join(', ')}`);
    }
  }
  // onnxruntime-node 1.11 has no metadata: there the warm-up runs show the same mistakes, less kindly.
  if (!('inputMetadata' in session)) return;
  expect(
    spec,
    `input '${INPUT}'`,
    describe(session.inputMetadata, INPUT),
    `uint8 [N,${[height, width, channels].join()}]`,
  );
  for (const [name, dims] of outputs) {
    const wanted = `float32 [${['N', ...dims].join()}]`;
    expect(spec, `output '${name}'`, describe(session.outputMetadata, name), wanted);
  }
}

/** `uint8 [N,28,28,1]`; dims without a fixed size read N. */
function describe(metadata: readonly InferenceSession.ValueMetadata[], name: string): string {
  const value = metadata.find((candidate) => candidate.name === name);
  if (!value?.isTensor) return 'no tensor';
  return `${value.type} [${value.shape.map((dim) => (typeof dim === 'number' ? dim : 'N')).join()}]`;
}

function expect(spec: SessionSpec, what: string, found: string, wanted: string): void {
  if (found !== wanted) throw unusable(spec, `${what}: ${found} instead of ${wanted}`);
}

function unusable(spec: SessionSpec, problem: string): EdgemuxError {
  return new EdgemuxError('MODEL_UNUSABLE', `${spec.path}: ${problem}`, { details: { model: spec.id } });
}

/**
 * Which execution providers really computed the nodes of one run, from ONNX Runtime's own profile.
 *
 * @returns number of node executions by provider, as `{ CPUExecutionProvider: 12 }`
 */
export async function profileProviders(
  spec: SessionSpec,
  options: SessionOptions,
): Promise<Record<string, number>> {
  const folder = await mkdtemp(join(tmpdir(), 'edgemux-profile-'));
  try {
    const session = await binding.ort.InferenceSession.create(spec.path, {
      ...sessionOptions(options),
      enableProfiling: true,
      profileFilePrefix: join(folder, 'run'),
    });
    const { height, width, channels } = spec.input;
    await run(spec, session, new Uint8Array(height * width * channels), 1);
    session.endProfiling();
    await releaseSession(session);
    const [file] = await readdir(folder);
    return file === undefined ? {} : countProviders(await readFile(join(folder, file), 'utf8'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Which execution providers computed, by ONNX Runtime's profile (a JSON list of trace events): number of node executions by provider, as `{ CPUExecutionProvider: 12 }`.
 *
 * @param profile text of the file that a session with profiling wrote
 */
function countProviders(profile: string): Record<string, number> {
  const counts: Record<string, number> = {};
  const events = JSON.parse(profile) as { cat?: string; args?: { provider?: string } }[];
  for (const { cat, args } of events) {
    if (cat !== 'Node' || args?.provider === undefined) continue;
    counts[args.provider] = (counts[args.provider] ?? 0) + 1;
  }
  return counts;
}
