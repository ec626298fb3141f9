/** `doctor` of both programs: runs the probes and says what they found, for people or as JSON. */
import { EXIT, UsageError } from '../exit.js';
import { runProbes, STATUSES, type CheckResult, type CheckStatus, type Probe } from './checks.js';

export interface DoctorOptions {
  json: boolean;
  /** Ids of checks that are left out. */
  skipped: readonly string[];
  /** Whether the broker is asked although that may throw a running daemon off it for a moment. */
  interrupts?: boolean;
}

/** Options of the command line, in the form that yargs takes. */
export const DOCTOR_OPTIONS = {
  json: { type: 'boolean', default: false, describe: 'print {"checks": [...]} and nothing else' },
  skip: {
    type: 'string',
    requiresArg: true,
    describe: 'ids of checks to leave out, with commas; broker and provider take theirs with them',
  },
  interrupt: {
    type: 'boolean',
    default: false,
    describe:
      'ask the broker although a daemon is connected with the same account: a broker of one connection an account throws it off meanwhile',
  },
} as const;

export const DOCTOR_EPILOGUE =
  'Exit code: 0 where no check fails (warnings and skipped checks are no failure), else 1.';

export function doctorOptions(argv: Record<string, unknown>): DoctorOptions {
  const text = typeof argv['skip'] === 'string' ? argv['skip'] : '';
  const skipped = text.split(',').map((id) => id.trim());
  return {
    json: argv['json'] === true,
    skipped: skipped.filter((id) => id !== ''),
    interrupts: argv['interrupt'] === true,
  };
}

export interface DoctorDeps {
  write: (text: string) => void;
  /** Called at the end: what hangs in a driver must not keep the program. */
  end: (exitCode: number) => void;
}

/** Time that what was left behind by a probe that hung may still take to end. */
const GRACE_MS = 2000;
const SYSTEM: DoctorDeps = {
  write: (text) => process.stdout.write(text),
  end: (exitCode) => void setTimeout(() => process.exit(exitCode), GRACE_MS).unref(),
};

/**
 * @param waves probes that run side by side, one wave after the other: heavy ones must not disturb what is timed
 * @returns the exit code: 1 where any check fails
 * @throws UsageError where a check that is to be left out does not exist
 */
export async function runDoctor(
  options: DoctorOptions,
  waves: readonly (readonly Probe[])[],
  deps: DoctorDeps = SYSTEM,
): Promise<number> {
  const known = waves.flat().flatMap((probe) => Object.keys(probe.checks));
  const unknown = options.skipped.find((id) => !known.includes(id));
  if (unknown !== undefined)
    throw new UsageError(`--skip ${unknown}: there is no such check, only ${known.join(', ')}`);
  const checks: CheckResult[] = [];
  const onResult = (result: CheckResult): void => {
    if (!options.json) deps.write(line(result));
  };
  const failed = (): string[] => checks.filter(({ status }) => status === 'fail').map(({ id }) => id);
  for (const wave of waves) {
    checks.push(...(await runProbes(wave, { skipped: options.skipped, failed: failed(), onResult })));
  }
  deps.write(options.json ? `${JSON.stringify({ checks }, null, 2)}\n` : summary(checks));
  const code = checks.some(({ status }) => status === 'fail') ? EXIT.failure : EXIT.ok;
  deps.end(code);
  return code;
}

function line({ id, name, status, detail, remedy }: CheckResult): string {
  const head = `${status.padEnd(5)}${id.padEnd(15)} ${name}: ${detail}\n`;
  return remedy === null ? head : `${head}${' '.repeat(21)}→ ${remedy}\n`;
}

function summary(checks: readonly CheckResult[]): string {
  const count = (status: CheckStatus): number => checks.filter((check) => check.status === status).length;
  const words = { pass: 'passed', warn: 'warned', fail: 'failed', skip: 'skipped' };
  return `\n${STATUSES.map((status) => `${count(status)} ${words[status]}`).join(', ')}\n`;
}
