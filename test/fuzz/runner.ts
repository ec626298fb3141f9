/**
 * Knocks at every door, case after case, in one process. The process is a child (see fuzz.ts), because the worst
 * findings end it: which case it was in is then read from a file.
 */
import { openSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../common/errors.js';
import { caseSeed, Dice } from './dice.js';
import { BALANCE_EVERY, type Door, type OpenDoor } from './door.js';

/** A case may take the processor for this long, over all threads, in ms: load of others does not count. */
export const MOST_CPU_MS = 1000;
/** No case waits longer than this for what it set off, in ms. */
const MOST_WAIT_MS = 30_000;

export interface DoorReport {
  door: string;
  cases: number;
  /** What became of the cases. */
  outcomes: Record<string, number>;
  worstCpuMs: number;
  worstCase: number;
  worstWallMs: number;
  cpuS: number;
  /** Resident memory after a tenth of the cases and at the end, and open handles likewise. */
  rssMiB: { early: number; end: number };
  handles: { early: number; end: number };
  findings: string[];
}

export interface RunOptions {
  seed: number;
  doors: { door: Door; cases: readonly number[] }[];
  /** Told before each case. */
  onCase: (door: string, index: number) => void;
  onReport: (report: DoorReport) => void;
}

export async function run({ seed, doors, onCase, onReport }: RunOptions): Promise<void> {
  for (const { door, cases } of doors) {
    onCase(door.name, -1);
    const dir = await mkdtemp(join(tmpdir(), `edgemux-fuzz-${door.name}-`));
    try {
      onReport(await runDoor(door, cases, dir, seed, onCase));
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }
}

async function runDoor(
  door: Door,
  cases: readonly number[],
  dir: string,
  seed: number,
  onCase: RunOptions['onCase'],
): Promise<DoorReport> {
  const report = emptyReport(door.name);
  const open = await door.open(dir);
  const before = process.cpuUsage();
  for (const [at, index] of cases.entries()) {
    onCase(door.name, index);
    await oneCase(open, new Dice(caseSeed(seed, door.name, index)), index, report);
    if (at === Math.floor(cases.length / 10)) note(report, 'early');
    if ((at + 1) % BALANCE_EVERY === 0) await balance(open, index, report);
  }
  await balance(open, cases.at(-1) ?? 0, report);
  note(report, 'end');
  report.cpuS = cpuMs(before) / 1000;
  await open.close?.();
  return report;
}

async function oneCase(open: OpenDoor, dice: Dice, index: number, report: DoorReport): Promise<void> {
  const [cpu, wallMs] = [process.cpuUsage(), performance.now()];
  let outcome: string;
  try {
    outcome = await within(Promise.resolve(open.knock(dice, index)));
  } catch (error) {
    outcome = 'FINDING';
    report.findings.push(
      `case ${index}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  }
  const usedMs = cpuMs(cpu);
  if (usedMs > report.worstCpuMs) [report.worstCpuMs, report.worstCase] = [usedMs, index];
  report.worstWallMs = Math.max(report.worstWallMs, performance.now() - wallMs);
  if (usedMs > MOST_CPU_MS)
    report.findings.push(`case ${index}: took ${Math.round(usedMs)} ms of processor time`);
  report.cases += 1;
  report.outcomes[outcome] = (report.outcomes[outcome] ?? 0) + 1;
}

async function balance(open: OpenDoor, index: number, report: DoorReport): Promise<void> {
  try {
    await open.balance?.();
  } catch (error) {
    report.findings.push(`the books after case ${index}: ${messageOf(error)}`);
  }
}

async function within<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end after ${MOST_WAIT_MS} ms`)), MOST_WAIT_MS);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

function cpuMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
}

function note(report: DoorReport, when: 'early' | 'end'): void {
  globalThis.gc?.();
  report.rssMiB[when] = Math.round(process.memoryUsage.rss() / 2 ** 20);
  report.handles[when] = process.getActiveResourcesInfo().length;
}

function emptyReport(door: string): DoorReport {
  return {
    door,
    cases: 0,
    outcomes: {},
    worstCpuMs: 0,
    worstCase: 0,
    worstWallMs: 0,
    cpuS: 0,
    rssMiB: { early: 0, end: 0 },
    handles: { early: 0, end: 0 },
    findings: [],
  };
}

/** Keeps one line of a file up to date, at once on the disk's side of the process. */
export function caseFile(path: string): (door: string, index: number) => void {
  const file = openSync(path, 'w');
  return (door, index) => void writeSync(file, `${door} ${index}`.padEnd(64), 0);
}
