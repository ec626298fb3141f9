/** What became of the frames, added up over all processes of the device that lived during a case. */
import type { DeviceState } from '../../../protocol/messages.js';
import type { Accountant, Life } from './accountant.js';

export interface Balance {
  /** Images that the cameras published. */
  published: number;
  /** Frames that the device admitted, as far as its processes could say. */
  admitted: number;
  results: number;
  drops: Record<string, number>;
  /** Results that exist and will not be delivered by this run of the device, by cause. */
  givenUp: Record<string, number>;
  /** Admitted by a process that could say so at its end, and neither answered nor counted as dropped or given up. */
  lost: number;
  /** At most so many frames were in work in processes that were killed. */
  uncounted: number;
}

export function balanceOf(accountant: Accountant): Balance {
  const balance: Balance = {
    published: accountant.published,
    admitted: 0,
    results: 0,
    drops: {},
    givenUp: {},
    lost: 0,
    uncounted: 0,
  };
  accountant.lives.forEach((life, at) => {
    const next = accountant.lives[at + 1]?.firstImage ?? accountant.published;
    addLife(balance, life, next - life.firstImage);
  });
  return balance;
}

function addLife(balance: Balance, life: Life, published: number): void {
  const counters = life.state?.counters;
  const { drops = {}, parked = 0 } = counters ?? {};
  const givenUp = { ...counters?.givenUp, ...(parked > 0 ? { parked } : {}) };
  addTo(balance.drops, drops);
  addTo(balance.givenUp, givenUp);
  const dropped = sum(drops);
  balance.results += life.answered;
  if (life.end === 'killed') {
    const known = life.answered + dropped;
    balance.admitted += Math.max(known, counters?.admitted ?? 0);
    balance.uncounted += Math.max(0, published - known);
  } else {
    balance.admitted += counters?.admitted ?? 0;
    const missing = (counters?.admitted ?? 0) - life.answered - dropped;
    balance.lost += missing - Math.min(Math.max(0, missing), sum(givenUp)); // a later run may deliver it after all
  }
}

function addTo(total: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [cause, n] of Object.entries(counts)) total[cause] = (total[cause] ?? 0) + n;
}

/** True where the device says that it has nothing in work and all it counted adds up. */
export function isIdle(state: DeviceState | null): boolean {
  if (!state) return false;
  const { queue, counters } = state;
  if (queue.waiting + queue.inFlight + queue.outbox > 0) return false;
  return counters.admitted === counters.results + sum(counters.drops);
}

export function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, n) => total + n, 0);
}

/** `{a: 1, b: 2}` as `a 1, b 2`; a dash where there is none. */
export function counts(of: Readonly<Record<string, number>>): string {
  const parts = Object.entries(of).map(([name, n]) => `${name} ${n}`);
  return parts.length === 0 ? '–' : parts.join(', ');
}
