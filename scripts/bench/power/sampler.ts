/** `power-sampler`: rate, jitter and CPU share of three simulated rails at 1 kHz beside the bare 1 kHz wait loop. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { machineFacts, metric, type BenchReport } from '../report.js';
import type { PowerBenchOptions } from '../benchmark.js';
import type { SamplerFigures } from './sampler-child.js';

const CHILD = fileURLToPath(new URL('./sampler-child.js', import.meta.url));
const BLOCK_MS = 8000;

async function measure(mode: 'bare' | 'sampler'): Promise<SamplerFigures> {
  const { stdout } = await promisify(execFile)(process.execPath, [CHILD, mode, String(BLOCK_MS)]);
  return JSON.parse(stdout) as SamplerFigures;
}

export async function benchSampler({ runs, say }: PowerBenchOptions): Promise<BenchReport> {
  const bare: SamplerFigures[] = [];
  const sampler: SamplerFigures[] = [];
  for (let round = 1; round <= runs; round += 1) {
    say(`power-sampler: round ${round} of ${runs}`);
    bare.push(await measure('bare'));
    sampler.push(await measure('sampler'));
  }
  const of = (figures: readonly SamplerFigures[], key: keyof SamplerFigures): number[] =>
    figures.map((each) => each[key]);
  return {
    name: 'power-sampler',
    machine: await machineFacts(),
    runs,
    setup: { rails: 3, 'rate wanted': '1000 Hz', 'seconds a block': BLOCK_MS / 1000, rail: 'simulated' },
    metrics: [
      metric({
        name: 'CPU, three rails',
        unit: '% core',
        values: of(sampler, 'cpuPercent'),
        target: { atMost: 8 },
      }),
      metric({ name: 'CPU, bare wait loop', unit: '% core', values: of(bare, 'cpuPercent') }),
      metric({
        name: 'rate of the slowest rail',
        unit: 'Hz',
        values: of(sampler, 'rateHz'),
        baselines: of(bare, 'rateHz'),
        against: 'wake-ups a second of the bare wait loop',
      }),
      metric({ name: 'jitter p50', unit: 'ms', values: of(sampler, 'jitterP50Ms') }),
      metric({ name: 'jitter p99', unit: 'ms', values: of(sampler, 'jitterP99Ms') }),
      metric({ name: 'gaps', unit: 'x', values: of(sampler, 'gaps') }),
    ],
  };
}
