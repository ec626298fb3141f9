/**
 * `decode`: what the pixels of the training cost, from a JPEG to a network's input, beside libvips' quickest way to about
 * the same: its own resizing, with JPEGs shrunk while they are loaded.
 */
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import sharp from 'sharp';
import { decodePicture, prepare } from '../../../mux/image/prepare.js';
import { FITS, KERNELS, networkInput, type NetworkInput } from '../../../mux/zoo/input.js';
import { loadZoo } from '../../../mux/zoo/zoo.js';
import type { Benchmark, BenchOptions } from '../benchmark.js';
import { machineFacts, metric, type BenchReport, type Metric } from '../report.js';
import { scenes } from './scenes.js';

const SMALL_ZOO = join(fileURLToPath(new URL('../../../../', import.meta.url)), 'models', 'fashion-mnist');
const DEFAULT_FRAMES = 16;
const limits = { maxPixels: 40_000_000 };
const QUICK = { bilinear: 'linear', bicubic: 'cubic', lanczos: 'lanczos3' } as const;

/** Frames of these sizes, made of the 720p scenes. */
const SIZES = [
  { name: '720p', width: 1280, height: 720 },
  { name: '12MP', width: 4000, height: 3000 },
  { name: '160x120', width: 160, height: 120 },
] as const;

export const decode: Benchmark = {
  name: 'decode',
  describe:
    'CPU time from a JPEG to the pixels of a network, by fit and kernel, against libvips at its quickest',
  run,
};

async function run({ runs, frames, say }: BenchOptions): Promise<BenchReport> {
  const made = await scenes(await loadZoo(SMALL_ZOO), 4);
  const count = frames ?? DEFAULT_FRAMES;
  const metrics: Metric[] = [];
  for (const size of SIZES) {
    const jpegs = await Promise.all(made.map((jpeg) => resized(jpeg, size)));
    for (const input of inputsOf(size.name)) {
      const name = `${size.name}-${input.width}-${input.fit}-${input.kernel}`;
      const values: number[] = [];
      const baselines: number[] = [];
      for (let round = 0; round <= runs; round += 1) {
        const [ours, theirs] = [
          await cpuMs(jpegs, count, input, trained),
          await cpuMs(jpegs, count, input, quick),
        ];
        if (round === 0) continue; // for the caches
        values.push(ours);
        baselines.push(theirs);
      }
      metrics.push(
        metric({ name, unit: 'ms', values, baselines, against: 'libvips, shrinking while it loads' }),
      );
      say(name);
    }
  }
  return { name: 'decode', machine: await machineFacts(), runs, metrics, setup: { frames: count } };
}

function inputsOf(size: string): NetworkInput[] {
  const input = (side: number, fit: NetworkInput['fit'], kernel: NetworkInput['kernel']): NetworkInput =>
    networkInput({
      height: side,
      width: side,
      channels: 3,
      layout: 'NHWC',
      dtype: 'uint8',
      fit,
      kernel,
      share: fit === 'crop' ? 0.875 : 1,
    });
  if (size !== '720p') return [input(224, 'crop', 'bicubic')];
  return [
    ...FITS.flatMap((fit) => KERNELS.map((kernel) => input(224, fit, kernel))),
    input(28, 'stretch', 'lanczos'),
  ];
}

async function resized(
  jpeg: Uint8Array,
  { width, height }: { width: number; height: number },
): Promise<Uint8Array> {
  return sharp(jpeg).resize(width, height, { fit: 'fill' }).jpeg({ quality: 85 }).toBuffer();
}

/** CPU time of this process for a frame, all threads, in ms. */
async function cpuMs(
  jpegs: readonly Uint8Array[],
  count: number,
  input: NetworkInput,
  work: (jpeg: Uint8Array, input: NetworkInput) => Promise<unknown>,
): Promise<number> {
  const before = process.cpuUsage();
  for (let i = 0; i < count; i += 1) await work(jpegs[i % jpegs.length] ?? new Uint8Array(), input);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / count;
}

async function trained(jpeg: Uint8Array, input: NetworkInput): Promise<unknown> {
  return prepare(await decodePicture(jpeg, limits, [input]), input);
}

async function quick(jpeg: Uint8Array, { fit, height, kernel, width }: NetworkInput): Promise<unknown> {
  const how = { stretch: 'fill', crop: 'cover', letterbox: 'contain' } as const;
  return sharp(jpeg, { autoOrient: true })
    .resize(width, height, { fit: how[fit], kernel: QUICK[kernel], background: '#000' })
    .flatten({ background: '#000' })
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer();
}
