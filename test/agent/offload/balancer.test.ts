import t from 'tap';
import { Balancer } from '../../../agent/offload/balancer.js';
import { Servers } from '../../../agent/offload/servers.js';
import type { Ticket, Verdict } from '../../../agent/offload/limiter.js';
import { seededRandom } from '../../../common/random.js';
import type { LiveServerStatus } from '../../../protocol/messages.js';
import { delivered } from '../support/fake-connection.js';
import { serverStatus } from '../support/server-status.js';
import { spyLog } from '../support/spy-log.js';

const ZOO = { name: 'fashion', hash: 'abc', models: ['resnet12'] };

/** A balancer on a clock that stands until it is moved, with servers of these names. */
function build(names: readonly string[], { share = false, seed = 1, window = 4 } = {}) {
  const clock = { nowMs: 0 };
  const log = spyLog();
  const servers = new Servers({ log }, ZOO);
  const balancer = new Balancer(
    { log, nowMs: () => clock.nowMs, random: seededRandom(seed), servers, device: 'd1' },
    {
      breaker: { failures: 3, outcomes: 5, probeMs: 1000, longestProbeMs: 4000 },
      window: { least: 1, most: window },
      share,
    },
  );
  const say = (server: string, change: Partial<LiveServerStatus> = {}): void => {
    servers.receive(server, serverStatus(ZOO, { server, ...change }));
  };
  for (const name of names) say(name);
  const ticket = (): Ticket => {
    const entry = balancer.enter();
    if ('ticket' in entry) return entry.ticket;
    throw new Error(entry.reason);
  };
  const ask = (verdict: (server: string) => Verdict, roundTripMs: number | null = null): Ticket => {
    const one = ticket();
    for (let next: Ticket | null = one; next !== null; next = next.aside)
      balancer.leave(next, verdict(next.server), roundTripMs);
    return one;
  };
  return { balancer, servers, clock, log, say, ticket, ask };
}

const count = (names: readonly string[], name: string): number => names.filter((one) => one === name).length;
const answered = (): Verdict => 'answered';

t.test('outstanding requests spread over the servers, and each has a window of its own', async (t) => {
  const { balancer, ticket } = build(['a', 'b', 'c']);
  const asked = Array.from({ length: 12 }, () => ticket().server);
  for (const name of ['a', 'b', 'c']) t.equal(count(asked, name), 4, name);
  t.same(balancer.enter(), { reason: 'window-full' });
  t.equal(balancer.obstacle(), 'window-full');
  t.equal(balancer.state().window, 12);
});

t.test('a server that is twice as fast gets twice the outstanding requests', async (t) => {
  const { balancer, ticket, say } = build([], { window: 100 });
  say('fast', { latencyMs: { p50: 20, p95: 20, p99: 20 } });
  say('slow', { latencyMs: { p50: 40, p95: 40, p99: 40 } });
  const asked = Array.from({ length: 90 }, () => ticket().server);
  const fast = count(asked, 'fast');
  t.ok(fast > 50 && fast < 70, `${fast} of 90`);
  balancer.leave({ server: 'slow', probe: false, enteredMs: 0, aside: null }, 'answered', 2);
  t.equal(ticket().server, 'slow', 'what was measured counts, not what was announced');
});

t.test('a queue that a server announces counts, until there is a measure of our own', async (t) => {
  const { ticket, say } = build([]);
  const latencyMs = { p50: 20, p95: 20, p99: 20 };
  say('busy', { latencyMs, queue: { length: 9, limit: 64, bytes: 0 } });
  say('idle', { latencyMs });
  t.same(
    [ticket(), ticket(), ticket()].map(({ server }) => server),
    ['idle', 'idle', 'idle'],
  );
});

t.test('many devices do not all run to the same of two equal servers', async (t) => {
  const first = Array.from(
    { length: 200 },
    (_, seed) => build(['a', 'b'], { seed: seed + 1 }).ticket().server,
  );
  const toA = count(first, 'a');
  t.ok(toA > 60 && toA < 140, `${toA} of 200 devices begin with the same server`);
});

t.test(
  'a request to a dead server fails once, the next ones go elsewhere, and it costs no frame to learn that it is back',
  async (t) => {
    const { balancer, clock, ask } = build(['dead', 'live']);
    let dead = true;
    const verdict = (server: string): Verdict => (server === 'dead' && dead ? 'timeout' : 'answered');
    const first: string[] = [];
    while (!first.includes('dead')) first.push(ask(verdict, 10).server);
    for (let n = 0; n < 50; n += 1) {
      clock.nowMs += 10;
      t.equal(ask(verdict, 10).server, 'live');
    }
    t.match(
      balancer.stateOf('dead'),
      { failures: 1, answers: 0 },
      'half a second after it is still left alone',
    );
    clock.nowMs += 1000;
    t.match(ask(verdict, 10), { server: 'live', aside: { server: 'dead' } });
    clock.nowMs += 2000;
    dead = false;
    t.match(ask(verdict, 10), { server: 'live', aside: { server: 'dead' } });
    const after = Array.from({ length: 40 }, () => ask(verdict, 10).server);
    t.ok(after.includes('dead'), 'it answered and is asked again');
  },
);

t.test('a liar costs itself: its breaker opens, the other is asked as before', async (t) => {
  const { balancer, clock, ask, log } = build(['liar', 'honest']);
  const verdict = (server: string): Verdict => (server === 'liar' ? 'broken' : 'answered');
  const asked: string[] = [];
  for (let n = 0; n < 300; n += 1) {
    clock.nowMs += 100;
    asked.push(ask(verdict, 10).server);
  }
  t.equal(count(asked, 'liar'), 1, 'one frame was answered by the device, no more');
  t.match(balancer.stateOf('liar'), { breaker: 'open', opened: 1, answers: 0 });
  t.match(balancer.stateOf('honest'), { breaker: 'closed', failures: 0, window: 4 });
  t.match(balancer.state(), { breaker: 'closed' });
  t.same(balancer.problems(), [
    'requests to servers keep failing (liar): hard frames go elsewhere or fall back',
  ]);
  t.match(log.said.warn, [/keep failing: it is not asked/]);
});

t.test('where all have failed, one is asked all the same, until all breakers are open', async (t) => {
  const { balancer, clock, ask } = build(['a', 'b']);
  const asked = new Set<string>();
  for (let n = 0; n < 6; n += 1) asked.add(ask(() => 'timeout').server);
  t.same([...asked].sort(), ['a', 'b']);
  t.same(balancer.enter(), { reason: 'breaker-open' });
  t.equal(balancer.obstacle(), 'breaker-open');
  clock.nowMs += 1000;
  const probe = ask(answered);
  t.equal(probe.probe, true);
  t.equal(balancer.obstacle(), null);
  t.equal(ask(answered).server, probe.server);
});

t.test('of several obstacles the one that passes soonest is the reason', async (t) => {
  const { balancer, ask, ticket } = build(['a', 'b'], { window: 1 });
  ask(() => 'busy');
  ticket();
  t.same(balancer.enter(), { reason: 'window-full' });
});

t.test('a server that comes is used at once', async (t) => {
  const { ask, say, servers } = build(['a']);
  for (let n = 0; n < 20; n += 1) ask(answered, 10);
  say('b');
  const asked = Array.from({ length: 20 }, () => ask(answered, 10).server);
  t.ok(asked.slice(0, 8).includes('b'));
  servers.receive('a', delivered('edgemux/cloud/a/status', { state: 'offline' }));
  t.equal(ask(answered, 10).server, 'b');
});

t.test('nobody is there: the frame is answered by the device', async (t) => {
  const { balancer } = build([]);
  t.same(balancer.enter(), { reason: 'server-away' });
  t.equal(balancer.obstacle(), 'server-away');
  t.match(balancer.state(), { breaker: 'closed', window: 4, pauseMs: 0 });
});

t.test('a group is asked only where it is wanted and all its servers take part', async (t) => {
  const wanted = build([], { share: true });
  wanted.say('a', { shared: {} });
  t.equal(wanted.ticket().server, 'any');
  wanted.say('b');
  t.not(wanted.ticket().server, 'any', 'one does not take part');
  wanted.say('b', { shared: {} });
  t.equal(wanted.ticket().server, 'any');
  wanted.balancer.blame('b');
  t.equal(wanted.ticket().server, 'a', 'one did wrong: the others are asked by name');
  const unwanted = build([]);
  unwanted.say('a', { shared: {} });
  t.equal(unwanted.ticket().server, 'a');
});

t.test(
  'requests that no server counts were taken away: it is said, and servers are asked by name',
  async (t) => {
    const { balancer, clock, ask, say, log } = build([], { share: true, window: 1000 });
    let taken = 7;
    const report = (): void => say('a', { shared: { d1: taken, other: 9 } });
    report();
    let told = 0;
    balancer.onChange(() => (told += 1));
    for (let n = 0; n < 40; n += 1) {
      clock.nowMs += 100;
      t.equal(ask(() => 'unknown').server, 'any');
      taken += 1;
    }
    clock.nowMs += 2000;
    report();
    t.same(balancer.problems(), [], 'all have arrived');
    for (let n = 0; n < 40; n += 1) {
      clock.nowMs += 100;
      ask(() => (n % 2 === 0 ? 'unknown' : 'answered'));
      taken += n % 2; // every second one
    }
    clock.nowMs += 2000;
    report();
    t.match(balancer.problems(), [
      /^20 of 80 requests to the group of servers arrived at none of them: somebody else subscribes/,
    ]);
    t.equal(ask(answered).server, 'a');
    t.equal(told, 1);
    t.equal(log.said.warn.length, 1);
    clock.nowMs += 600_000;
    t.same(balancer.problems(), [], 'after a while the group is tried again');
    t.equal(ask(answered).server, 'any');
  },
);

t.test('a server that restarts or joins begins the count anew: no theft is made up', async (t) => {
  const { balancer, clock, ask, say } = build([], { share: true, window: 1000 });
  const started = (second: number): string => `2026-11-28T00:00:0${second}.000Z`;
  say('a', { shared: { d1: 500 }, startedAt: started(1) });
  for (let n = 0; n < 50; n += 1) ask(answered);
  clock.nowMs += 5000;
  say('a', { shared: {}, startedAt: started(2) });
  say('b', { shared: { d1: 3 }, startedAt: started(3) });
  clock.nowMs += 5000;
  say('a', { shared: {}, startedAt: started(2) });
  say('b', { shared: { d1: 3 }, startedAt: started(3) });
  t.same(balancer.problems(), []);
});
