/** `npm run fuzz`: every door of edgemux against 20,000 damaged and hostile inputs. */
import { parseOptions, type Script } from '../../common/cli/parse.js';
import { EXIT, reportFailure } from '../../common/exit.js';
import { DOORS } from '../../test/fuzz/doors/all.js';
import { fuzz } from '../../test/fuzz/fuzz.js';
import type { DoorReport } from '../../test/fuzz/runner.js';

const OPTIONS = {
  cases: { type: 'number', default: 20_000, requiresArg: true, describe: 'cases over all doors' },
  seed: { type: 'number', default: 1, requiresArg: true, describe: 'the same seed, the same cases' },
  door: {
    type: 'string',
    choices: DOORS.map(({ name }) => name),
    requiresArg: true,
    describe: 'this door only',
  },
  case: { type: 'number', requiresArg: true, describe: 'this case only, of --door', implies: 'door' },
} as const;

const SCRIPT: Script = {
  name: 'npm run fuzz --',
  usage: '$0\n\nKnocks at every door with damaged and hostile inputs; exit code 1 where one of them hurts.',
};

async function main(args: readonly string[]): Promise<number> {
  const options = await parseOptions(SCRIPT, OPTIONS, args);
  if (options === null) return EXIT.ok;
  let shown = '';
  const summary = await fuzz({
    cases: options.cases,
    seed: options.seed,
    door: options.door,
    only: options.case,
    onProgress: (door, index) => {
      const line = index < 0 ? `${door}: opening` : `${door}: ${index} cases`;
      if (line !== shown) process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
      shown = line;
    },
  });
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  process.stdout.write(`${summary.reports.map(lines).join('\n')}\n\n`);
  for (const finding of summary.findings) process.stdout.write(`FOUND ${finding}\n\n`);
  process.stdout.write(`seed ${options.seed}: ${summary.cases} cases, ${summary.findings.length} findings\n`);
  return summary.findings.length === 0 ? EXIT.ok : EXIT.failure;
}

function lines({
  door,
  cases,
  cpuS,
  worstCpuMs,
  worstCase,
  worstWallMs,
  rssMiB,
  outcomes,
}: DoorReport): string {
  const most = Object.entries(outcomes).sort(([, a], [, b]) => b - a);
  return [
    `${door.padEnd(12)} ${cases} cases, ${cpuS.toFixed(1)} s of processor time, ${rssMiB.early} -> ${rssMiB.end} MiB,`,
    `  worst ${worstCpuMs.toFixed(0)} ms of processor (case ${worstCase}), ${worstWallMs.toFixed(0)} ms of time`,
    `  ${most.map(([outcome, n]) => `${outcome} ${n}`).join(', ')}`,
  ].join('\n');
}

process.exitCode = await main(process.argv.slice(2)).catch(reportFailure);
