import t from 'tap';
import { withoutMosquitto } from '../../support/broker.js';
import { outcomeLine, playCase, type FaultCase } from './play.js';

/** The cases of the short tier as tests; all cases: `npm run faults`. */
export function shortTier(cases: readonly FaultCase[]): void {
  for (const one of cases.filter(({ tier }) => tier === 'short')) {
    const skip = withoutMosquitto() || (one.needs?.() ?? false);
    t.test(`every frame is accounted for: ${one.what}`, { skip }, async (t) => {
      const outcome = await playCase(one);
      t.comment(outcomeLine(outcome));
      t.same(outcome.failures, []);
    });
  }
}
