import t from 'tap';
import { systemClock } from '../../common/clock.js';
import { silentLog } from '../../common/log.js';
import { ProgressWatch, type Progress } from '../../common/progress.js';
import { ServiceManager, type Notice } from '../../common/service-manager.js';
import { Watchdog } from '../../common/watchdog.js';
import { until } from '../support/until.js';

/** Looks once a second at a list of states of work; the answers. */
function looks(states: Partial<Progress>[], stepMs = 1000): (number | null)[] {
  const idle = { pending: 0, moved: 0, failed: 0 };
  const watch = new ProgressWatch({ stallMs: 3000, longestLookMs: 2000 }, idle, 0);
  return states.map((state, i) => watch.look({ ...idle, ...state }, (i + 1) * stepMs));
}

t.test('work that is pending and does not move is a stall, after its time', async (t) => {
  t.same(looks(Array(5).fill({ pending: 1 })), [null, null, null, 3000, 4000]);
  t.same(looks([0, 1, 2, 3, 4].map((moved) => ({ pending: 9, moved }))), Array(5).fill(null), 'it moves');
  t.same(looks(Array(9).fill({})), Array(9).fill(null), 'nothing to do is no stall');
});

t.test('work that only fails is a stall, and having nothing to do does not absolve it', async (t) => {
  const failing = [1, 2, 2, 2, 3, 3].map((failed) => ({ failed }));
  t.same(looks(failing), [null, null, null, null, 3000, 3000]);
  t.same(looks([...failing, { failed: 3, moved: 1 }]).at(-1), null, 'work that moves does');
  t.same(looks([{ failed: 5 }, { failed: 6, moved: 1 }, { failed: 7, moved: 1 }]), [null, null, null]);
});

t.test('a process that slept itself has not stalled at once', async (t) => {
  t.same(looks([{ pending: 1 }, { pending: 1 }], 3_600_000), [null, null]);
});

/** A watchdog over work that the test changes, and the notices it sends. */
class Heard extends ServiceManager {
  readonly notices: Notice[] = [];
  constructor(override readonly watchdogMs: number | null) {
    super(silentLog());
  }
  override notify(notice: Notice): void {
    this.notices.push(notice);
  }
}

t.test('signs of life go out while work moves, stop in a stall and return with the work', async (t) => {
  const manager = new Heard(30);
  const work = { pending: 1, moved: 0, failed: 0 };
  const deps = { log: silentLog(), clock: systemClock, manager, status: () => 'busy' };
  const watchdog = new Watchdog({ ...deps, progress: () => ({ ...work }) }, { stallMs: 60 });
  watchdog.start();
  t.teardown(() => watchdog.stop());
  t.same(manager.notices[0], { READY: '1', WATCHDOG: '1', STATUS: 'busy' });
  const hold = setInterval(() => undefined, 1000);
  t.teardown(() => clearInterval(hold));
  await until('watchdog.stalled !== null', () => watchdog.stalled !== null);
  t.match(manager.notices.at(-1), { STATUS: /^no progress for .* 1 pending/ });
  const before = manager.notices.length;
  await until('manager.notices.length > before + 2', () => manager.notices.length > before + 2);
  t.ok(manager.notices.slice(before).every((notice) => notice.WATCHDOG === undefined));
  work.moved += 1;
  await until('watchdog.stalled === null', () => watchdog.stalled === null);
  t.equal(manager.notices.at(-1)?.WATCHDOG, '1');
  watchdog.stop();
  t.equal(manager.notices.at(-1)?.STOPPING, '1');
});

t.test('only a descriptor that is a socket, and a watchdog meant for this process, count', async (t) => {
  const usec = { WATCHDOG_USEC: '10000000' };
  t.equal(new ServiceManager(silentLog(), { ...usec, NOTIFY_FD: '1' }).watchdogMs, null);
  t.equal(new ServiceManager(silentLog(), { ...usec, NOTIFY_FD: '999' }).watchdogMs, null);
  t.equal(new ServiceManager(silentLog(), usec).watchdogMs, null);
});
