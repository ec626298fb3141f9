import { readFileSync } from 'node:fs';
import t from 'tap';
import { reliabilityPage } from '../../scripts/faults/page.js';
import { ALL_CASES } from './cases/all.js';
import type { Outcome } from './support/play.js';

const BALANCE = { published: 9, admitted: 8, results: 5, drops: { superseded: 2 }, givenUp: {} };

function outcome(name: string, more: Partial<Outcome> = {}): Outcome {
  return {
    name,
    what: 'w',
    skipped: null,
    routes: { local: 5 },
    reasons: {},
    remark: '',
    failures: [],
    tookS: 1,
    worstLatencyMs: 12.4,
    worstDeliveryMs: 34.5,
    redelivered: 3,
    balance: { ...BALANCE, lost: 1, uncounted: 0 },
    ...more,
  };
}

t.test('the page of the repository has a row for every case, and none of them lost a frame', async (t) => {
  const page = readFileSync('docs/reliability.md', 'utf8');
  for (const { name } of ALL_CASES) t.match(page, new RegExp(`^\\| \`${name}\` \\|`, 'm'), name);
  t.match(page, / lost 0\.$/m);
  t.notMatch(page, /FAILED/);
});

t.test('the page tells what was lost, what failed and what was not run', async (t) => {
  const page = await reliabilityPage([
    outcome('broker-killed'),
    outcome('server-killed', { failures: ['1 frames are lost'] }),
    outcome('clock-back', { skipped: 'faketime is not installed' }),
    outcome('agent-killed', { balance: { ...BALANCE, lost: 0, uncounted: 4 } }),
  ]);
  t.match(page, '| `broker-killed` | w | 8 | local 5 | superseded 2 | 3 | 12 | 35 | 1 |');
  t.match(page, '`server-killed` **FAILED**: 1 frames are lost');
  t.match(page, '| `clock-back` | w | not run: faketime is not installed |');
  t.match(page, '0; killed with at most 4');
  t.match(page, '3 cases, 1 failed');
  t.match(page, 'lost 2.');
});
