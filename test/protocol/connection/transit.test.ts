import t from 'tap';
import { Transit } from '../../../protocol/connection/transit.js';

/** A line of 40 ms there and back, on clocks of its own. */
function line() {
  const now = { ms: 0, asleepMs: 0, wallMs: 0 };
  let pings = 0;
  const transit: Transit = new Transit({
    nowMs: () => now.ms,
    wallMs: () => now.ms + now.asleepMs + now.wallMs,
    uptimeMs: () => now.ms + now.asleepMs,
    ping: () => {
      pings += 1;
      transit.asked();
    },
  });
  /** Time goes on, and the program with it. */
  const pass = (ms: number): void => {
    for (let left = ms; left > 0; left -= 250) {
      now.ms += Math.min(250, left);
      transit.tick();
    }
  };
  return { transit, now, pass, pings: () => pings };
}

/** The same, with a first question that was answered quickly. */
function knownLine() {
  const made = line();
  made.transit.received();
  made.pass(40);
  made.transit.answered();
  return made;
}

t.test('on a line that keeps up no message has waited, and it is asked once a second', async (t) => {
  const { transit, pass, pings } = line();
  for (let i = 0; i < 50; i += 1) {
    t.equal(transit.received(), null);
    pass(40);
    transit.answered();
    pass(60);
  }
  t.ok(pings() >= 4 && pings() <= 6, `${pings()} questions in 5 s`);
});

t.test('where nothing comes nothing is asked', async (t) => {
  const { pass, pings } = line();
  pass(60_000);
  t.equal(pings(), 0);
});

t.test('a message behind which a question stays open has waited so long at least', async (t) => {
  const { transit, pass } = knownLine();
  pass(2000);
  t.equal(transit.received(), null, 'asks');
  pass(5000);
  t.same(transit.received(), { lineMs: 4960, stillMs: 0 }, 'less the quickest answer');
});

t.test(
  'a line that stands still behind the last message is known to a second, behind a rare one to ten',
  async (t) => {
    const { transit, pass, pings } = knownLine();
    pass(300);
    transit.received();
    pass(11_000);
    const waitedMs = transit.received()?.lineMs ?? 0;
    t.ok(waitedMs >= 10_000 && waitedMs < 11_000, `${waitedMs} of 11,000 ms`);
    const rare = knownLine();
    for (let i = 0; i < 6; i += 1) {
      rare.pass(10_000);
      rare.transit.answered();
    }
    rare.pass(30_000);
    const rareMs = rare.transit.received()?.lineMs ?? 0;
    t.ok(rareMs >= 19_000 && rareMs <= 30_000, `${rareMs} of 30,000 ms`);
    rare.pass(3_600_000);
    t.ok(rare.pings() < 80, `${rare.pings()} questions in an hour without messages`);
    t.ok(pings() > 0);
  },
);

t.test('a line that is behind all the time is known to within a second', async (t) => {
  const { transit, pass } = knownLine();
  const behindMs = 20_000;
  const seen: number[] = [];
  for (let atMs = 0; atMs < 60_000; atMs += 100) {
    pass(100);
    seen.push(transit.received()?.lineMs ?? 0);
    // questions were sent once a second and come back behind the messages
    if (atMs > behindMs && atMs % 1000 === 0) transit.answered();
  }
  const late = seen.slice(300);
  t.ok(Math.min(...late) >= behindMs - 1200, `${Math.min(...late)} ms`);
  t.ok(Math.max(...late) <= behindMs + 200, `${Math.max(...late)} ms`);
});

t.test(
  'what comes after a standstill may have waited, until a question is answered that was asked after it',
  async (t) => {
    const { transit, now, pass } = knownLine();
    pass(1000);
    t.equal(transit.received(), null, 'asks');
    pass(40);
    now.ms += 30_000; // SIGSTOP
    t.same(transit.received()?.stillMs, 30_000, 'found by the message itself, before any timer');
    pass(250);
    transit.answered(); // the question from before
    t.same(transit.received()?.stillMs, 30_250);
    transit.answered();
    t.equal(transit.received(), null, 'what comes now was sent after it');
  },
);

t.test('a machine that slept is found by the clock that counts sleep', async (t) => {
  const { transit, now, pass } = knownLine();
  pass(500);
  now.asleepMs = 3_600_000;
  t.same(transit.received(), { lineMs: 0, stillMs: 3_600_000 });
  transit.answered();
  pass(250);
  t.equal(transit.received(), null);
});

t.test('a wall clock that is set is no sleep', async (t) => {
  const { transit, now, pass } = knownLine();
  pass(500);
  for (const ms of [3_600_000, -3_600_000]) {
    now.wallMs += ms;
    t.equal(transit.received(), null);
    transit.answered();
    pass(250);
  }
});
