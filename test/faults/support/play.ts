/** Plays fault cases: sets the stage, lets the case break things, waits for the end, draws the balance. */
import { messageOf } from '../../../common/errors.js';
import { withoutMosquitto } from '../../support/broker.js';
import { balanceOf, counts, sum, type Balance } from './balance.js';
import { Rig, type RigOptions } from './rig.js';

export interface FaultCase {
  /** For `--only` and the table, e.g. `broker-killed`. */
  name: string;
  /** What is broken, and how, for the table. */
  what: string;
  /** `short`: also part of `npm test`. */
  tier: 'short' | 'full';
  /** False, or what is missing for this case. */
  needs?: () => false | string;
  rig?: RigOptions;
  /** Device and server that are needed from the start are started here, too. Returns a remark for the table. */
  play(rig: Rig, claim: Claim): Promise<string | undefined>;
}

/** States what has to hold; what does not is collected. */
export type Claim = (holds: boolean, what: string) => void;

export interface Outcome {
  name: string;
  what: string;
  /** Why it was not played; null where it was. */
  skipped: string | null;
  balance: Balance;
  routes: Record<string, number>;
  reasons: Record<string, number>;
  worstLatencyMs: number;
  worstDeliveryMs: number;
  redelivered: number;
  remark: string;
  /** What should have held and did not; empty: passed. */
  failures: string[];
  tookS: number;
}

export async function playCase(one: FaultCase): Promise<Outcome> {
  const skipped = withoutMosquitto() || (one.needs?.() ?? false);
  if (skipped !== false) return { ...emptyOutcome(one), skipped };
  const startMs = performance.now();
  const failures: string[] = [];
  const claim: Claim = (holds, what) => {
    if (!holds) failures.push(what);
  };
  const rig = await Rig.open(one.rig);
  try {
    const remark = ((await one.play(rig, claim)) ?? '').replaceAll(rig.folder, '');
    if (rig.agent) await rig.settle();
    const outcome = { ...outcomeOf(one, rig), remark, failures };
    judge(rig, outcome, claim);
    rig.keep = process.env['FAULTS_KEEP'] === '1' && failures.length > 0;
    if (rig.keep) failures.push(`logs and journal are kept in ${rig.folder}`);
    return { ...outcome, tookS: (performance.now() - startMs) / 1000 };
  } catch (error) {
    failures.push(messageOf(error), `the device's last words: ${rig.agent?.log().slice(-1500) ?? '(gone)'}`);
    return { ...outcomeOf(one, rig), failures, tookS: (performance.now() - startMs) / 1000 };
  } finally {
    await rig.close();
  }
}

/** What every case has to keep, whatever it breaks. */
function judge(rig: Rig, { balance }: Outcome, claim: Claim): void {
  for (const violation of rig.accountant.violations) claim(false, violation);
  claim(balance.lost === 0, `${balance.lost} frames are lost`);
  claim(balance.results > 0, 'there is a result at all');
}

function outcomeOf(one: FaultCase, { accountant }: Rig): Outcome {
  const { routes, reasons, worstLatencyMs, worstDeliveryMs, redelivered } = accountant;
  const balance = balanceOf(accountant);
  return { ...emptyOutcome(one), balance, routes, reasons, worstLatencyMs, worstDeliveryMs, redelivered };
}

function emptyOutcome({ name, what }: FaultCase): Outcome {
  return {
    name,
    what,
    skipped: null,
    routes: {},
    reasons: {},
    remark: '',
    failures: [],
    tookS: 0,
    worstLatencyMs: 0,
    worstDeliveryMs: 0,
    redelivered: 0,
    balance: { published: 0, admitted: 0, results: 0, drops: {}, givenUp: {}, lost: 0, uncounted: 0 },
  };
}

/** The figures of an outcome in one line. */
export function outcomeLine(outcome: Outcome): string {
  const { name, skipped, balance, failures } = outcome;
  if (skipped !== null) return `${name}: skipped, ${skipped}`;
  return [
    `${name}: ${failures.length === 0 ? 'ok' : 'FAILED'} in ${outcome.tookS.toFixed(1)} s`,
    `${balance.admitted} frames of ${balance.published}, ${balance.results} results (${counts(outcome.routes)})`,
    `reasons ${counts(outcome.reasons)}`,
    `${sum(balance.drops)} drops (${counts(balance.drops)}), lost ${balance.lost}`,
    ...(sum(balance.givenUp) > 0 ? [`given up ${counts(balance.givenUp)}`] : []),
    ...(balance.uncounted > 0 ? [`at most ${balance.uncounted} in work when killed`] : []),
    `worst latency ${outcome.worstLatencyMs.toFixed(0)} ms, delivery ${outcome.worstDeliveryMs.toFixed(0)} ms`,
    `${outcome.redelivered} again`,
    ...(outcome.remark === '' ? [] : [outcome.remark]),
    ...failures,
  ].join('; ');
}
