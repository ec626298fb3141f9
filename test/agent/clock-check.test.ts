import t from 'tap';
import { ClockCheck } from '../../agent/clock-check.js';
import { builtAtMs } from '../../common/build-date.js';

t.test('the build has a date, and a clock before it is not trusted', async (t) => {
  const built = builtAtMs();
  t.ok(built > Date.UTC(2026, 0, 1) && built <= Date.now(), new Date(built).toISOString());
  let nowMs = built - 1;
  const check = new ClockCheck({ wallMs: () => nowMs });
  t.match(check, { isTrusted: false, problem: /before this program was built .*never set/ });
  nowMs = built;
  t.match(check, { isTrusted: true, problem: null });
});
