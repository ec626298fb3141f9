/** Every benchmark there is: `main.ts` lists, checks and runs these. */
import { path, pathSmall } from './path/path.js';
import { POWER_BENCHMARKS } from './power.js';
import type { BenchReport } from './report.js';
import { serverExact } from './server/exact.js';
import { serverFleet } from './server/fleet.js';
import { serverGone } from './server/gone.js';
import { serverOverload } from './server/overload.js';
import { server } from './server/server.js';

export interface BenchOptions {
  /** Rounds: figures of each metric. */
  runs: number;
  /** Frames a round; null: the benchmark's own default. */
  frames: number | null;
  /** `inference.threads` of the daemon and of what it is held against; 0 = ONNX Runtime's own choice. */
  threads: number;
  /** `inference.pipelineDepth` of the daemon. */
  depth: number;
  /** Waits so long at most, before each block of measurements, for other programs to leave the machine alone. */
  calmS: number;
  /** Tells a person how far it is; one line without its end. */
  say: (line: string) => void;
}

export interface Benchmark {
  name: string;
  /** One line for `--help`. */
  describe: string;
  /** @throws EdgemuxError where something that it needs is missing or fails */
  run(options: BenchOptions): Promise<BenchReport>;
}

export const BENCHMARKS: readonly Benchmark[] = [
  path,
  pathSmall,
  ...POWER_BENCHMARKS,
  server,
  serverExact,
  serverOverload,
  serverFleet,
  serverGone,
];
