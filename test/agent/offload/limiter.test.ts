import t from 'tap';
import { Limiter, verdictOf, type Entry, type Ticket, type Verdict } from '../../../agent/offload/limiter.js';
import { silentLog } from '../../../common/log.js';

const RULES = {
  breaker: { failures: 3, outcomes: 5, probeMs: 1000, longestProbeMs: 4000 },
  window: { least: 1, most: 4 },
};

/** A limiter on a clock that stands until it is moved, and what it said in its log. */
function set(): { limiter: Limiter; clock: { nowMs: number }; said: string[] } {
  const clock = { nowMs: 0 };
  const said: string[] = [];
  const log = Object.assign(silentLog(), {
    warn: (_what: object, message: string) => void said.push(message),
    info: (_what: object, message: string) => void said.push(message),
  });
  return {
    limiter: new Limiter('s1', { log, nowMs: () => clock.nowMs, random: () => 0 }, RULES),
    clock,
    said,
  };
}

function ticketOf(entry: Entry): Ticket {
  if ('ticket' in entry) return entry.ticket;
  throw new Error(`no ticket: ${entry.reason}`);
}

function ask(limiter: Limiter, verdict: Verdict): Ticket {
  const ticket = ticketOf(limiter.enter());
  limiter.leave(ticket, verdict);
  return ticket;
}

t.test('a place is taken from entering to leaving; beyond the window the device answers', async (t) => {
  const { limiter } = set();
  const tickets = Array.from({ length: 4 }, () => ticketOf(limiter.enter()));
  t.same(limiter.enter(), { reason: 'window-full' });
  t.equal(limiter.obstacle(), 'window-full');
  limiter.leave(tickets[0]!, 'answered');
  t.equal(limiter.obstacle(), null);
});

t.test('busy servers are left alone for a moment, and are no failure', async (t) => {
  const { limiter, clock, said } = set();
  for (let n = 0; n < 10; n += 1) {
    ask(limiter, 'busy');
    t.same(limiter.enter(), { reason: 'backing-off' });
    clock.nowMs += 10_000;
  }
  t.match(limiter.state(), { breaker: 'closed', window: 1, opened: 0 });
  t.same(said, []);
});

t.test('failures open the breaker, a probe closes it, and each is said once', async (t) => {
  const { limiter, clock, said } = set();
  let changes = 0;
  limiter.onChange(() => (changes += 1));
  for (const verdict of ['timeout', 'broken', 'timeout'] as const) {
    t.equal(limiter.obstacle(), null);
    ask(limiter, verdict);
  }
  t.equal(limiter.obstacle(), 'breaker-open');
  t.same(limiter.enter(), { reason: 'breaker-open' });
  t.match(limiter.state(), { breaker: 'open', opened: 1, probes: 0 });
  for (const pauseMs of [1000, 2000, 4000]) {
    clock.nowMs += pauseMs - 1;
    t.same(limiter.enter(), { reason: 'breaker-open' });
    clock.nowMs += 1;
    t.equal(limiter.obstacle(), 'breaker-open', 'the frame that takes the probe along does not wait for it');
    const ticket = ticketOf(limiter.enter());
    t.equal(ticket.probe, true);
    t.same(limiter.enter(), { reason: 'breaker-open' }, 'one probe at a time');
    limiter.leave(ticket, 'timeout');
  }
  t.equal(said.length, 1, 'probes in vain are no news');
  clock.nowMs += 4000;
  t.equal(ask(limiter, 'answered').probe, true);
  t.match(limiter.state(), { breaker: 'closed', window: 2, opened: 1, probes: 4 });
  t.equal(said.length, 2);
  t.equal(changes, 2);
});

t.test('a probe that finds a busy server closes the breaker and backs off', async (t) => {
  const { limiter, clock } = set();
  for (let n = 0; n < 3; n += 1) ask(limiter, 'timeout');
  clock.nowMs += 1000;
  ask(limiter, 'busy');
  t.equal(limiter.state().breaker, 'closed');
  t.same(limiter.enter(), { reason: 'backing-off' });
});

t.test('a probe that was not sent is tried again with the next frame', async (t) => {
  const { limiter, clock } = set();
  for (let n = 0; n < 3; n += 1) ask(limiter, 'timeout');
  clock.nowMs += 1000;
  ask(limiter, 'unknown');
  t.equal(ticketOf(limiter.enter()).probe, true);
});

t.test('a server that comes is probed by the next frame', async (t) => {
  const { limiter } = set();
  for (let n = 0; n < 3; n += 1) ask(limiter, 'broken');
  t.same(limiter.enter(), { reason: 'breaker-open' });
  limiter.serverCame();
  t.equal(ask(limiter, 'answered').probe, true);
  t.equal(limiter.obstacle(), null);
});

t.test('what ends for reasons of the device itself says nothing about servers', async (t) => {
  const { limiter } = set();
  for (let n = 0; n < 10; n += 1) ask(limiter, 'unknown');
  t.match(limiter.state(), { breaker: 'closed', window: 4 });
});

t.test('refusals mean what their codes say', async (t) => {
  for (const code of ['QUEUE_FULL', 'BUDGET_TOO_SHORT']) t.equal(verdictOf(code), 'busy', code);
  for (const code of ['IMAGE_TRUNCATED', 'IMAGE_UNDECODABLE']) t.equal(verdictOf(code), 'answered', code);
  t.equal(verdictOf('SERVER_STOPPING'), 'unknown');
  for (const code of ['INFERENCE_FAILED', 'REQUEST_REFUSED', 'NEVER_HEARD_OF'])
    t.equal(verdictOf(code), 'broken', code);
});
