/** What other programs take of the processors while we measure: on a shared machine, half of the explanation. */
import { readdirSync, readFileSync } from 'node:fs';
import { systemClock } from '../../common/clock.js';

/** Linux counts in hundredths of a second wherever Node runs (USER_HZ). */
const TICKS_PER_S = 100;
const WINDOW_MS = 250;

/** CPU time since some start, in s. */
export interface CpuTimes {
  /** Of all programs, nice ones too: between sessions, Linux's autogroups give `nice` no meaning. */
  all: number;
  /** Of this process and what it started. */
  ours: number;
  atMs: number;
}

/** CPU time of one process since its start, all threads, in ms; NaN where there is no /proc to read. */
export function processCpuMs(pid: number): number {
  return ((readProcess(String(pid))?.ticks ?? NaN) * 1000) / TICKS_PER_S;
}

/** null where there is no /proc to read. */
export function cpuTimes(): CpuTimes | null {
  try {
    const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = numbers(firstLine('/proc/stat'));
    return {
      all: (user + nice + system + irq + softirq) / TICKS_PER_S,
      ours: ticksOfFamily(process.pid) / TICKS_PER_S,
      atMs: systemClock.monotonicMs(),
    };
  } catch {
    return null;
  }
}

/** Processors that other programs kept busy between two readings; null where that is unknown. */
export function otherCpus(from: CpuTimes | null, to: CpuTimes | null): number | null {
  if (!from || !to || to.atMs <= from.atMs) return null;
  const others = to.all - from.all - (to.ours - from.ours);
  return Math.max(0, (others * 1000) / (to.atMs - from.atMs));
}

/** Waits until other programs leave the machine alone, at most `patienceMs`. Resolves with whether they do. */
export async function calm(mostCpus: number, patienceMs: number): Promise<boolean> {
  const endMs = systemClock.monotonicMs() + patienceMs;
  for (;;) {
    const from = cpuTimes();
    await new Promise((resolve) => setTimeout(resolve, WINDOW_MS));
    const others = otherCpus(from, cpuTimes());
    if (others === null || others <= mostCpus) return true;
    if (systemClock.monotonicMs() >= endMs) return false;
  }
}

function firstLine(file: string): string {
  return readFileSync(file, 'utf8').split('\n', 1)[0] ?? '';
}

function numbers(line: string): number[] {
  return line.trim().split(/\s+/).map(Number);
}

/** CPU ticks of a process and its children. */
function ticksOfFamily(pid: number): number {
  const pids = readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name));
  const members = pids.map(readProcess).filter((one) => one?.pid === pid || one?.parent === pid);
  return members.reduce((sum, one) => sum + (one?.ticks ?? 0), 0);
}

/** From fields 4, 14 and 15 of proc(5), counted behind the name, which may hold spaces; null where it just ended. */
function readProcess(pid: string): { pid: number; parent: number; ticks: number } | null {
  try {
    const line = firstLine(`/proc/${pid}/stat`);
    const fields = numbers(line.slice(line.lastIndexOf(')') + 2));
    return { pid: Number(pid), parent: fields[1] ?? 0, ticks: (fields[11] ?? 0) + (fields[12] ?? 0) };
  } catch {
    return null;
  }
}
