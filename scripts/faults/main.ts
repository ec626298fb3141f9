/** `npm run faults`: plays the fault cases one after the other and writes docs/reliability.md. */
import { writeFileSync } from 'node:fs';
import { parseOptions, type Script } from '../../common/cli/parse.js';
import { EXIT, reportFailure, UsageError } from '../../common/exit.js';
import { ALL_CASES } from '../../test/faults/cases/all.js';
import { reliabilityPage } from './page.js';
import { outcomeLine, playCase, type FaultCase, type Outcome } from '../../test/faults/support/play.js';

const OPTIONS = {
  only: {
    type: 'string',
    array: true,
    requiresArg: true,
    describe: 'names of cases or parts of them, by commas or spaces; no page is written',
  },
  list: { type: 'boolean', default: false, describe: 'names the cases and plays none' },
  out: { type: 'string', default: 'docs/reliability.md', requiresArg: true, describe: 'the page' },
  json: { type: 'string', requiresArg: true, describe: 'file for the raw figures' },
} as const;

const SCRIPT: Script = {
  name: 'npm run faults --',
  usage: '$0 [--only NAME…]\n\nBreaks things and checks that every frame is accounted for.',
  epilogue: 'Exit code 1 where a case fails. FAULTS_KEEP=1 keeps logs and journal of cases that fail.',
};

function chosen(names: readonly string[]): readonly FaultCase[] {
  const wanted = names.flatMap((name) => name.split(',')).filter((name) => name !== '');
  if (wanted.length === 0) return ALL_CASES;
  const stranger = wanted.find((part) => !ALL_CASES.some(({ name }) => name.includes(part)));
  if (stranger !== undefined) throw new UsageError(`there is no case '${stranger}'; --list names all`);
  return ALL_CASES.filter(({ name }) => wanted.some((part) => name.includes(part)));
}

async function main(args: readonly string[]): Promise<number> {
  const argv = await parseOptions(SCRIPT, OPTIONS, args);
  if (argv === null) return EXIT.ok;
  if (argv.list) {
    for (const { name, tier, what } of ALL_CASES) process.stdout.write(`${name} (${tier}): ${what}\n`);
    return EXIT.ok;
  }
  const cases = chosen(argv.only ?? []);
  const outcomes: Outcome[] = [];
  for (const [at, one] of cases.entries()) {
    process.stderr.write(`[${at + 1}/${cases.length}] ${one.name}: ${one.what}\n`);
    const outcome = await playCase(one);
    outcomes.push(outcome);
    process.stdout.write(`${outcomeLine(outcome)}\n`);
  }
  if (argv.json !== undefined) writeFileSync(argv.json, `${JSON.stringify(outcomes, null, 1)}\n`);
  if (cases.length === ALL_CASES.length) writeFileSync(argv.out, await reliabilityPage(outcomes));
  const failed = outcomes.filter(({ failures }) => failures.length > 0);
  process.stdout.write(`${outcomes.length - failed.length} of ${outcomes.length} cases passed\n`);
  return failed.length === 0 ? EXIT.ok : EXIT.failure;
}

// 'exit' is what ends our child processes
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(EXIT.failure));
process.exitCode = await main(process.argv.slice(2)).catch(reportFailure);
