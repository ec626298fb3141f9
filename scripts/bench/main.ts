/** `npm run bench`: runs benchmarks, prints their tables and writes their reports as JSON. */
import { realpathSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseOptions, type Script } from '../../common/cli/parse.js';
import { EXIT, reportFailure, UsageError } from '../../common/exit.js';
import type { Benchmark } from './benchmark.js';
import { BENCHMARKS } from './benchmarks.js';
import { formatReport, type BenchReport } from './report.js';

const LEAST_RUNS = 5;

const OPTIONS = {
  only: {
    type: 'string',
    array: true,
    requiresArg: true,
    describe: 'names of benchmarks, by commas or spaces',
  },
  json: { type: 'string', requiresArg: true, describe: 'file for the reports' },
  runs: {
    type: 'number',
    default: LEAST_RUNS,
    requiresArg: true,
    describe: `rounds, at least ${LEAST_RUNS}: each gives one figure of every metric`,
  },
  frames: { type: 'number', requiresArg: true, describe: "frames a round; default the benchmark's own" },
  threads: {
    type: 'number',
    default: 1,
    requiresArg: true,
    describe: "threads inside one CPU run, of the daemon and its floor; 0 = ONNX Runtime's choice, the cores",
  },
  depth: { type: 'number', default: 3, requiresArg: true, describe: 'inference.pipelineDepth of the daemon' },
  calm: {
    type: 'number',
    default: 0,
    requiresArg: true,
    describe: 'seconds to wait at most, before each block, for other programs to leave the machine alone',
  },
} as const;

/** The benchmarks with these names, all for none. @throws UsageError for a name that is none */
export function chosen(names: readonly string[], known: readonly Benchmark[] = BENCHMARKS): Benchmark[] {
  const wanted = names.flatMap((name) => name.split(',')).filter((name) => name !== '');
  const stranger = wanted.find((name) => !known.some((benchmark) => benchmark.name === name));
  if (stranger !== undefined) {
    const all = known.map(({ name }) => name).join(', ');
    throw new UsageError(`there is no benchmark '${stranger}', only ${all}`);
  }
  return known.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
}

const WIDTH = Math.max(...BENCHMARKS.map(({ name }) => name.length));

const SCRIPT: Script = {
  name: 'npm run bench --',
  usage: '$0 [--only NAME…]\n\nMeasures what edgemux costs beside what it cannot do without.',
  epilogue: [
    'Benchmarks:',
    ...BENCHMARKS.map(({ name, describe }) => `  ${name.padEnd(WIDTH)}  ${describe}`),
  ].join('\n'),
};

function whole(name: string, value: number, least: number): number {
  if (Number.isInteger(value) && value >= least) return value;
  throw new UsageError(`--${name} must be a whole number of at least ${least}, not ${value}`);
}

/** One report as an object, several as a list. */
function writeJson(file: string, reports: readonly BenchReport[]): void {
  const content = reports.length === 1 ? reports[0] : reports;
  writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`);
}

/** Parses the command line and runs what it names. Returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const argv = await parseOptions(SCRIPT, OPTIONS, args);
    if (argv === null) return EXIT.ok;
    const benchmarks = chosen(argv.only ?? []);
    const options = {
      runs: whole('runs', argv.runs, LEAST_RUNS),
      frames: argv.frames === undefined ? null : whole('frames', argv.frames, 1),
      threads: whole('threads', argv.threads, 0),
      depth: whole('depth', argv.depth, 1),
      calmS: whole('calm', argv.calm, 0),
      say: (line: string) => void process.stderr.write(`${line}\n`),
    };
    const reports: BenchReport[] = [];
    for (const benchmark of benchmarks) {
      const report = await benchmark.run(options);
      process.stdout.write(`${formatReport(report)}\n`);
      reports.push(report);
      if (argv.json !== undefined) writeJson(argv.json, reports);
    }
    return EXIT.ok;
  } catch (error) {
    return reportFailure(error);
  }
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  // 'exit' is what ends our child processes
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(EXIT.failure));
  process.exitCode = await main(process.argv.slice(2));
}
