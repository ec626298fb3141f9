/** Benchmarks of the power rails. All rails are simulated: these are figures of the software, not of a board. */
import { benchEnergy } from './power/energy.js';
import { measureDaemon } from './power/daemon-path.js';
import { benchFaults, measureMeter } from './power/faults.js';
import { benchSampler } from './power/sampler.js';
import type { Benchmark, BenchOptions, PowerBenchOptions } from './benchmark.js';
import type { BenchReport } from './report.js';

const ENERGY_SECONDS = 60;

function benchmark(
  name: string,
  describe: string,
  run: (options: PowerBenchOptions) => Promise<BenchReport>,
): Benchmark {
  const start = ({ runs, say }: BenchOptions): Promise<BenchReport> =>
    run({ runs, say, seconds: ENERGY_SECONDS });
  return { name, describe, run: start };
}

export const POWER_BENCHMARKS: readonly Benchmark[] = [
  benchmark(
    'power-sampler',
    'three simulated rails at 1 kHz beside the bare wait loop: CPU, rate, jitter',
    benchSampler,
  ),
  benchmark('power-energy', 'energy of simulated rails against the truth of their loads', benchEnergy),
  benchmark(
    'power-faults',
    'p99 of the meter beside a synthetic frame loop while the bus fails, hangs and dies',
    (options) => benchFaults('power-faults', measureMeter, options),
  ),
  benchmark(
    'power-faults-daemon',
    'p99 of frames through the whole daemon while the bus fails, hangs and dies, beside a calm bus',
    (options) => benchFaults('power-faults-daemon', measureDaemon, options),
  ),
];
