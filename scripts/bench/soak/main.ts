/** `npm run soak`: hours at full rate with random faults, and whether anything is lost or grows. */
import { writeFileSync } from 'node:fs';
import { parseOptions, type Script } from '../../../common/cli/parse.js';
import { EXIT, reportFailure, UsageError } from '../../../common/exit.js';
import { hostFacts } from '../../../common/host/systeminformation.js';
import { withoutMosquitto } from '../../../test/support/broker.js';
import { growthOf, soakText, type Growth, type SoakRecord } from './record.js';
import { soak } from './soak.js';

const OPTIONS = {
  minutes: { type: 'number', default: 60, requiresArg: true, describe: 'how long' },
  rate: { type: 'number', default: 50, requiresArg: true, describe: 'frames a second, of all cameras' },
  cameras: { type: 'number', default: 4, requiresArg: true, describe: 'cameras that share the rate' },
  seed: { type: 'number', default: 1, requiresArg: true, describe: 'which faults come when' },
  'fault-every': {
    type: 'number',
    default: 20,
    requiresArg: true,
    describe: 'mean seconds from one fault to the next; 0: none',
  },
  'warm-up': {
    type: 'number',
    requiresArg: true,
    describe: 'minutes before growth is looked at; default a third of the time, 60 at most',
  },
  json: { type: 'string', requiresArg: true, default: 'soak.json', describe: 'file for the raw samples' },
} as const;

const LONGEST_WARM_UP_MINUTES = 60;
/** Growth makes a soak fail that has looked at it for so long. */
const LEAST_JUDGED_MINUTES = 60;

const SCRIPT: Script = {
  name: 'npm run soak --',
  usage:
    '$0 [--minutes N]\n\nRuns broker, device and two servers, breaks one after the other, counts frames.',
  epilogue:
    'Exit code 1 where a frame was lost, a process grows for sure, or something happened that must not.',
};

function positive(name: string, value: number): number {
  if (Number.isFinite(value) && value > 0) return value;
  throw new UsageError(`--${name} must be a number above 0, not ${value}`);
}

async function main(args: readonly string[], signal: AbortSignal): Promise<number> {
  const argv = await parseOptions(SCRIPT, OPTIONS, args);
  if (argv === null) return EXIT.ok;
  const missing = withoutMosquitto();
  if (missing !== false) throw new UsageError(missing);
  const minutes = positive('minutes', argv.minutes);
  const record = await soak({
    minutes,
    rate: positive('rate', argv.rate),
    cameras: Math.ceil(positive('cameras', argv.cameras)),
    seed: argv.seed,
    faultEveryS: Math.max(0, argv['fault-every']),
    warmupMinutes: argv['warm-up'] ?? Math.min(LONGEST_WARM_UP_MINUTES, minutes / 3),
    say: (line: string) => void process.stderr.write(`${line}\n`),
    keep: (samples) => writeFileSync(argv.json, `${JSON.stringify(samples)}\n`),
    signal,
  });
  const growth = growthIn(record);
  await writeJson(argv.json, record, growth);
  process.stdout.write(`${soakText(record)}\nraw samples: ${argv.json}\n`);
  const grows = [growth.agent, growth.server].some(
    ({ floor, verdict }) => verdict === 'grows' && floor.points >= LEAST_JUDGED_MINUTES,
  );
  const { balance, exitCode, violations } = record;
  const good = balance.lost === 0 && violations.length === 0 && exitCode === 0 && !grows;
  return good ? EXIT.ok : EXIT.failure;
}

function growthIn({ agent, server, options }: SoakRecord): { agent: Growth; server: Growth } {
  return {
    agent: growthOf(agent, options.warmupMinutes),
    server: growthOf(server, options.warmupMinutes),
  };
}

async function writeJson(file: string, record: SoakRecord, growth: object): Promise<void> {
  writeFileSync(file, `${JSON.stringify({ machine: await hostFacts(), growth, ...record }, null, 1)}\n`);
}

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (stop.signal.aborted) process.exit(EXIT.failure); // 'exit' is what ends our child processes
    process.stderr.write('stopping early (once more to end at once)\n');
    stop.abort();
  });
}
process.exitCode = await main(process.argv.slice(2), stop.signal).catch(reportFailure);
