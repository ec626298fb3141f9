/** Probes of binding, zoo, execution provider and golden answers, the same for device and server. */
import {
  fail,
  pass,
  single,
  skip,
  warn,
  type Probe,
  type Report,
  type Verdict,
} from '../common/doctor/checks.js';
import { isEdgemuxError, messageOf } from '../common/errors.js';
import { gpuLoad } from '../common/host/gpu-load.js';
import { loadRemedy } from '../common/host/load-failure.js';
import { goldenVerdict } from './zoo/golden.js';
import type { Binding } from './inference/binding.js';
import { Inference, type InferenceOptions, type InferenceReady } from './inference/inference.js';
import { inputBytes } from './zoo/input.js';
import type { Zoo } from './zoo/zoo.js';

/** Those that the whole test suite has run on. */
const KNOWN_RUNTIMES = ['1.11.0', '1.22.0-rev'];
/** Loading a large zoo and CUDA's first runs take their time. */
const INFERENCE_TIMEOUT_MS = 120_000;
const ZOO_TIMEOUT_MS = 60_000;
const LOAD_MS = 1500;
const LEAST_GPU_LOAD = 0.03;

export function bindingProbe(): Probe {
  return single(
    'binding',
    'onnxruntime-node',
    async () => {
      process.env['ORT_DISABLE_TELEMETRY'] = '1';
      const binding = await theBinding();
      const detail = `${binding.version} of ${binding.folder}`;
      if (KNOWN_RUNTIMES.includes(binding.version)) return pass(detail);
      return warn(`${detail}: not tested`, `tested are ${KNOWN_RUNTIMES.join(' and ')}`);
    },
    {
      timeoutMs: 20_000,
      remedy: (error) => loadRemedy(messageOf(error)) ?? 'install the package again, or mend EDGEMUX_ORT',
    },
  );
}

/** @throws Error what the loader said, without the remedy that the daemon's message adds */
async function theBinding(): Promise<Binding> {
  try {
    return (await import('./inference/binding.js')).binding;
  } catch (error) {
    throw isEdgemuxError(error) && error.cause !== undefined ? error.cause : error;
  }
}

/** Encodes and decodes an image. @throws Error where that cannot be done, or the pixels are not what they were */
export async function decodeOne(): Promise<void> {
  const shape = { height: 8, width: 8, channels: 3 as const };
  const { decodeImage, encodePng } = await import('./image/image.js');
  const pixels = Uint8Array.from({ length: 8 * 8 * 3 }, (_, i) => i);
  const decoded = await decodeImage(await encodePng(pixels, shape), shape, { maxPixels: 64 });
  if (Buffer.compare(decoded, pixels) !== 0) throw new Error('a PNG image is not decoded to what it was');
}

/** @param load reads the zoo and compares every file's sha256 */
export function zooProbe(load: () => Promise<Zoo>): Probe {
  return single(
    'zoo',
    'model zoo',
    async () => {
      const zoo = await load();
      const count = zoo.manifest.models.length;
      return pass(
        `${zoo.name} ${zoo.version} at ${zoo.dir}, ${count} models, every file as its manifest says`,
      );
    },
    { timeoutMs: ZOO_TIMEOUT_MS, remedy: 'copy or unpack the zoo again, or mend the key `zoo`' },
  );
}

/** Opens the networks as the daemon would, and looks at what ran and what came out. */
export function inferenceProbe(
  load: () => Promise<Zoo>,
  optionsFor: (zoo: Zoo) => Omit<InferenceOptions, 'zoo'>,
): Probe {
  return {
    checks: { provider: 'execution provider', 'gpu-load': 'GPU load', golden: 'golden answers' },
    timeoutMs: INFERENCE_TIMEOUT_MS,
    remedy: 'mend the zoo first',
    run: async (report) => {
      const zoo = await load();
      const options = optionsFor(zoo);
      const inference = new Inference({}, { ...options, zoo, drainMs: 200 });
      try {
        const ready = await start(inference, report);
        if (!ready) return;
        report('provider', providerVerdict(ready, options.providers[0] ?? 'cpu'));
        report('golden', await goldenVerdict(zoo, inference, options, ready.provider));
        report('gpu-load', await loadVerdict(zoo, inference, options, ready.provider));
      } finally {
        await inference.stop();
      }
    },
  };
}

async function start(inference: Inference, report: Report): Promise<InferenceReady | null> {
  try {
    return await inference.start();
  } catch (error) {
    const provider = isEdgemuxError(error, 'PROVIDER_UNAVAILABLE');
    const remedy = provider
      ? 'install what is missing, or allow the CPU: inference.providers [cuda, cpu] and requireProvider false'
      : 'see the text of the error';
    report('provider', fail(messageOf(error), remedy));
    for (const id of ['golden', 'gpu-load']) report(id, skip('no provider works'));
    return null;
  }
}

function providerVerdict(ready: InferenceReady, wanted: string): Verdict {
  const runs = `${ready.provider} computed the warm-up runs (onnxruntime-node ${ready.runtime})`;
  const failed = ready.attempts.filter((attempt) => !attempt.ok);
  if (failed.length === 0) return pass(runs);
  const causes = failed.map(({ provider, error }) => `${provider} does not work: ${error ?? ''}`).join('; ');
  return warn(
    `${causes}. ${runs}`,
    `install what ${wanted} needs, or set inference.providers to [${ready.provider}]`,
  );
}

/** A provider that computes keeps a GPU busy; one that only says so does not. */
async function loadVerdict(
  zoo: Zoo,
  inference: Inference,
  options: Omit<InferenceOptions, 'zoo'>,
  provider: string,
): Promise<Verdict> {
  if (provider === 'cpu') return skip('no GPU is in use: everything runs on the CPU');
  const deviceId = options.deviceId ?? 0;
  const before = await gpuLoad(deviceId);
  if (before === null)
    return warn(
      'this machine does not say how busy its GPU is',
      'install nvidia-smi (on a Jetson: run under L4T)',
    );
  const model = options.models[0] ?? zoo.largest.id;
  const pixels = new Uint8Array(inputBytes(zoo.inputOf(model)));
  let most = 0;
  let running = true;
  const runs = (async () => {
    while (running) await inference.classify(model, pixels);
  })();
  const endMs = performance.now() + LOAD_MS;
  while (performance.now() < endMs) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    most = Math.max(most, (await gpuLoad(deviceId)) ?? 0);
  }
  running = false;
  await runs;
  const detail = `${(100 * most).toFixed(0)} % at most while ${model} ran, ${(100 * before).toFixed(0)} % before`;
  if (most - before >= LEAST_GPU_LOAD) return pass(detail);
  return warn(detail, 'look with tegrastats or nvidia-smi while the daemon works: the GPU should be busy');
}
