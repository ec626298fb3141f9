/**
 * What `doctor` is made of: probes look at one thing each and give verdicts about the checks that it decides. A
 * probe that throws or takes too long fails the first check that it still owes and skips the others: one failure for one
 * cause, and nothing passes by staying silent.
 */
import { EdgemuxError, messageOf } from '../errors.js';

export const STATUSES = ['pass', 'warn', 'fail', 'skip'] as const;
/** `warn`: it works, but not as well as it could; `fail`: it does not; `skip`: does not apply, or cannot be known. */
export type CheckStatus = (typeof STATUSES)[number];

export interface Verdict {
  status: CheckStatus;
  detail: string;
  /** What to do; null where nothing is to be done. */
  remedy?: string | null;
}

/** One line of the report. */
export interface CheckResult {
  id: string;
  name: string;
  status: CheckStatus;
  detail: string;
  remedy: string | null;
}

/** What to do: always the same, or told from the error. */
export type Remedy = string | ((error: unknown) => string);

export type Report = (id: string, verdict: Verdict) => void;

export interface Probe {
  /** Checks that this probe decides: names by id, in the order of the report. */
  checks: Readonly<Record<string, string>>;
  timeoutMs: number;
  run(report: Report): Promise<void> | void;
  /** What to do where it throws. */
  remedy?: Remedy;
  /** Checks of earlier waves without which this probe would only fail again for the same cause. */
  needs?: readonly string[];
}

export const pass = (detail: string): Verdict => ({ status: 'pass', detail });
export const warn = (detail: string, remedy: string): Verdict => ({ status: 'warn', detail, remedy });
export const fail = (detail: string, remedy: string): Verdict => ({ status: 'fail', detail, remedy });
export const skip = (detail: string): Verdict => ({ status: 'skip', detail });

/** A probe that decides one check. */
export function single(
  id: string,
  name: string,
  look: () => Promise<Verdict> | Verdict,
  options: { timeoutMs?: number; remedy?: Remedy } = {},
): Probe {
  return {
    checks: { [id]: name },
    timeoutMs: options.timeoutMs ?? 5000,
    run: async (report) => report(id, await look()),
    ...(options.remedy === undefined ? {} : { remedy: options.remedy }),
  };
}

/** A probe that is only run where these checks of earlier waves did not fail. */
export function needing(needs: readonly string[], probe: Probe): Probe {
  return { ...probe, needs };
}

export interface RunOptions {
  /** Ids of checks that are not looked at; the first of a probe takes the others with it. */
  skipped?: readonly string[];
  /** Ids of checks that failed before. */
  failed?: readonly string[];
  /** Told each result, in the order of the probes, as early as that order allows. */
  onResult?: (result: CheckResult) => void;
}

/** Runs probes side by side. Never rejects. */
export async function runProbes(
  probes: readonly Probe[],
  { skipped = [], failed = [], onResult = () => undefined }: RunOptions = {},
): Promise<CheckResult[]> {
  const running = probes.map((probe) => runProbe(probe, skipped, failed));
  const results: CheckResult[] = [];
  for (const one of running) {
    for (const result of await one) {
      results.push(result);
      onResult(result);
    }
  }
  return results;
}

async function runProbe(
  probe: Probe,
  skipped: readonly string[],
  failed: readonly string[],
): Promise<CheckResult[]> {
  const ids = Object.keys(probe.checks);
  const verdicts = new Map<string, Verdict>();
  const whole = ids[0] !== undefined && skipped.includes(ids[0]);
  for (const id of ids) if (whole || skipped.includes(id)) verdicts.set(id, skip('left out by --skip'));
  const report: Report = (id, verdict) => {
    if (!verdicts.has(id)) verdicts.set(id, verdict);
  };
  const broken = probe.needs?.find((id) => failed.includes(id));
  if (broken !== undefined) {
    for (const id of ids) report(id, skip(`not looked at: ${broken} failed`));
  } else if (verdicts.size < ids.length) {
    const error = await within(probe, report).catch(thrown);
    const [first, ...others] = error === undefined ? [] : ids.filter((id) => !verdicts.has(id));
    if (first !== undefined) report(first, fail(textOf(error), remedyOf(probe, error)));
    for (const id of others) report(id, skip(`could not be looked at: ${first} failed`));
  }
  return ids.map((id) => {
    const { status, detail, remedy = null } = verdicts.get(id) ?? fail('it gave no verdict', 'report this');
    return { id, name: probe.checks[id] ?? id, status, detail, remedy };
  });
}

async function within(probe: Probe, report: Report): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const text = `no answer within ${probe.timeoutMs / 1000} s`;
    timer = setTimeout(() => reject(new Error(text)), probe.timeoutMs);
  });
  try {
    await Promise.race([Promise.resolve(probe.run(report)), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What a probe threw, never undefined. */
function thrown(error: unknown): unknown {
  return error ?? new Error('it failed without a word');
}

function remedyOf({ remedy = 'see the text of the error' }: Probe, error: unknown): string {
  return typeof remedy === 'string' ? remedy : remedy(error);
}

function textOf(error: unknown): string {
  const code = error instanceof EdgemuxError ? ` [${error.code}]` : '';
  return `${messageOf(error).replaceAll(/\s+/g, ' ').trim()}${code}`;
}
