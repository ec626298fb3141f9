import t, { type Test } from 'tap';
import { systemClock } from '../../../common/clock.js';
import { silentLog } from '../../../common/log.js';
import type { Connector } from '../../../protocol/connection/connector.js';
import { failure } from '../../../protocol/connection/failure.js';
import type { Session } from '../../../protocol/connection/session.js';
import { Supervisor } from '../../../protocol/connection/supervisor.js';
import { until } from '../../support/until.js';

/** A session that is being set up for ever, and the timers that the test lets run out. */
function settingUp(t: Test) {
  const due: (() => void)[] = [];
  let end: (cause: Error) => void = () => undefined;
  const session = {
    receivedBytes: 0,
    destroyed: false,
    ended: new Promise<Error>((resolve) => (end = resolve)),
    destroy() {
      session.destroyed = true;
      end(failure('timeout', 'destroyed'));
    },
  };
  const supervisor = new Supervisor(
    {
      log: silentLog(),
      clock: systemClock,
      timers: {
        after: (_ms, callback) => {
          due.push(callback);
          return () => void due.splice(due.indexOf(callback), 1);
        },
      },
      random: () => 0,
      connector: { open: () => Promise.resolve(session as unknown as Session) } as unknown as Connector,
    },
    {
      onMessage: () => undefined,
      onDown: () => undefined,
      setUp: () => session.ended.then(() => Promise.reject(failure('timeout', 'x'))),
    },
    10_000,
  );
  t.teardown(() => supervisor.stop());
  supervisor.start();
  return { session, due };
}

t.test('a connection is set up as long as something comes, and given up when nothing does', async (t) => {
  const { session, due } = settingUp(t);
  await until('the limit is set', () => due.length === 1);
  for (let limits = 0; limits < 5; limits += 1) {
    session.receivedBytes += 10;
    due.shift()?.();
    t.equal(due.length, 1, 'another limit');
    t.notOk(session.destroyed);
  }
  due.shift()?.();
  t.ok(session.destroyed);
});
