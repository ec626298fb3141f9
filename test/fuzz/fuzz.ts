/** Starts the cases in a process of their own, watches it, and says what came of it. */
import { fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ChildOptions } from './child.js';
import type { Door } from './door.js';
import { DOORS } from './doors/all.js';
import type { DoorReport } from './runner.js';

const CHILD = fileURLToPath(new URL('child.js', import.meta.url));
/** Without a new case for so long the process hangs, in ms; opening a door and its books take most. */
const HANGS_AFTER_MS = 150_000;
/** Resident memory may grow by this from the first tenth of the cases to the last, in MiB. */
const MOST_GROWTH_MIB = 128;
const MOST_NEW_HANDLES = 8;

export interface FuzzOptions {
  cases: number;
  seed: number;
  /** Only this door. */
  door?: string | undefined;
  /** Only this case of it. */
  only?: number | undefined;
  onProgress?: (door: string, index: number) => void;
}

export interface FuzzSummary {
  reports: DoorReport[];
  cases: number;
  /** With what replays each. */
  findings: string[];
}

/** Runs `cases` cases over all doors, each by its share. Never rejects for what the cases do. */
export async function fuzz(options: FuzzOptions): Promise<FuzzSummary> {
  const dir = mkdtempSync(join(tmpdir(), 'edgemux-fuzz-'));
  const file = join(dir, 'case');
  try {
    const childOptions = { seed: options.seed, caseFile: file, cases: plan(options) };
    const { reports, ended } = await runChild(childOptions, file, options.onProgress);
    const findings = reports.flatMap((report) =>
      findingsOf(report).map((text) => replay(report.door, text, options)),
    );
    if (ended !== null) findings.push(replay(...lastCase(file), options, ended));
    return { reports, cases: reports.reduce((all, report) => all + report.cases, 0), findings };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Numbers of the cases of each door. */
function plan({ cases, door, only }: FuzzOptions): Record<string, number[]> {
  const wanted = DOORS.filter(({ name }) => door === undefined || name === door);
  const total = DOORS.reduce((all, one) => all + one.cases, 0);
  const share = (one: Door): number => Math.round((cases * one.cases) / total);
  const numbers = (one: Door): number[] =>
    only === undefined ? Array.from({ length: share(one) }, (_, index) => index) : [only];
  return Object.fromEntries(wanted.map((one) => [one.name, numbers(one)]));
}

/** `ended` is null where the process came to its end, else how it died. */
function runChild(
  options: ChildOptions,
  file: string,
  onProgress: FuzzOptions['onProgress'],
): Promise<{ reports: DoorReport[]; ended: string | null }> {
  const reports: DoorReport[] = [];
  const child = fork(CHILD, [JSON.stringify(options)], {
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let said = '';
  let last = '';
  let lastChange = performance.now();
  child.stderr?.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-4000)));
  child.on('message', (report) => void reports.push(report as DoorReport));
  const watch = setInterval(() => {
    const [door, index] = lastCase(file);
    if (last !== `${door} ${index}`) lastChange = performance.now();
    last = `${door} ${index}`;
    onProgress?.(door, index);
    if (performance.now() - lastChange > HANGS_AFTER_MS) child.kill('SIGKILL');
  }, 1000);
  return new Promise((resolve) => {
    child.once('close', (code, signal) => {
      clearInterval(watch);
      const how =
        signal === 'SIGKILL' ? 'HANGS (or was killed)' : `CRASHED (${signal ?? `exit code ${code}`})`;
      resolve({ reports, ended: code === 0 ? null : `${how}: ${said}` });
    });
  });
}

function lastCase(file: string): [door: string, index: number] {
  try {
    const [door = '', index = '-1'] = readFileSync(file, 'utf8').trim().split(' ');
    return [door, Number(index)];
  } catch {
    return ['', -1];
  }
}

/** A door's own findings, and what its memory says. */
function findingsOf({ findings, rssMiB, handles }: DoorReport): string[] {
  const grown = rssMiB.end - rssMiB.early;
  const opened = handles.end - handles.early;
  return [
    ...findings,
    ...(grown > MOST_GROWTH_MIB ? [`memory grew by ${grown} MiB`] : []),
    ...(opened > MOST_NEW_HANDLES ? [`${opened} handles were left open`] : []),
  ];
}

function replay(door: string, text: string | number, options: FuzzOptions, ended?: string): string {
  const index = typeof text === 'number' ? text : /case (\d+)/.exec(text)?.[1];
  const one = index === undefined || index === -1 ? '' : ` --case ${index}`;
  const what = ended === undefined ? text : `case ${text} ${ended}`;
  return `${door}: ${what}\n  replay: npm run fuzz -- --seed ${options.seed} --door ${door}${one}`;
}
