/** What a benchmark is, and what it is told. */
import type { BenchReport } from './report.js';

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

/** What the benchmarks of the power rails are told. */
export interface PowerBenchOptions {
  /** Rounds: figures of each metric. */
  runs: number;
  /** Length of a round of `power-energy`. */
  seconds: number;
  /** Tells a person how far it is. */
  say: (line: string) => void;
}
