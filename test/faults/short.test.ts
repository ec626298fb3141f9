/** The short tier; all cases: `npm run faults`. */
import t from 'tap';
import { withoutMosquitto } from '../support/broker.js';
import { ALL_CASES } from './cases/all.js';
import { outcomeLine, playCase } from './support/play.js';

for (const one of ALL_CASES.filter(({ tier }) => tier === 'short')) {
  const skip = withoutMosquitto() || (one.needs?.() ?? false);
  t.test(`every frame is accounted for: ${one.what}`, { skip }, async (t) => {
    const outcome = await playCase(one);
    t.comment(outcomeLine(outcome));
    t.same(outcome.failures, []);
  });
}
