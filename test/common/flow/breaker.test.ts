import t from 'tap';
import { Breaker, type BreakerRule } from '../../../common/flow/breaker.js';

const RULE: BreakerRule = { failures: 3, outcomes: 5, probeMs: 1000, longestProbeMs: 3000 };
const never = (): number => 0;

/** A breaker that has just opened at `atMs`. */
function opened(atMs: number, random = never): Breaker {
  const breaker = new Breaker(RULE, random);
  for (let n = 0; n < RULE.failures; n += 1) breaker.ended(true, atMs, atMs);
  return breaker;
}

t.test('it opens with the failure that makes enough of them, and not before', async (t) => {
  const breaker = new Breaker(RULE, never);
  t.same([breaker.state, breaker.allows(0)], ['closed', 'all']);
  breaker.ended(true, 0, 0);
  breaker.ended(true, 0, 0);
  t.equal(breaker.state, 'closed');
  breaker.ended(true, 0, 0);
  t.same([breaker.state, breaker.allows(0)], ['open', 'none']);
});

t.test('failures count among the last requests only', async (t) => {
  const breaker = new Breaker(RULE, never);
  const seldom = [true, true, false, false, false, true, true, false, false, false];
  for (const failed of seldom) breaker.ended(failed, 0, 0);
  t.equal(breaker.state, 'closed', 'never three of five');
  for (const failed of [true, false, true, false, true]) breaker.ended(failed, 0, 0);
  t.equal(breaker.state, 'open', 'every other one is too many');
});

t.test('after its pause one probe may go, and nothing beside it', async (t) => {
  const breaker = opened(500);
  t.equal(breaker.allows(1499), 'none');
  t.equal(breaker.allows(1500), 'probe');
  breaker.beginProbe();
  t.same([breaker.state, breaker.allows(99_999)], ['half-open', 'none']);
});

t.test('an answered probe closes it, with a clean slate', async (t) => {
  const breaker = opened(0);
  breaker.beginProbe();
  breaker.probed('answered', 1100);
  t.same([breaker.state, breaker.allows(1100)], ['closed', 'all']);
  breaker.ended(true, 1200, 1200);
  breaker.ended(true, 1200, 1200);
  t.equal(breaker.state, 'closed', 'two failures are two again');
  breaker.ended(true, 1200, 1200);
  t.equal(breaker.state, 'open');
  t.equal(breaker.allows(2200), 'probe', 'the pause is the first one again');
});

t.test('each probe in vain doubles the pause, up to the longest', async (t) => {
  const breaker = opened(0);
  let nowMs = 1000;
  for (const pauseMs of [2000, 3000, 3000]) {
    breaker.beginProbe();
    breaker.probed('failed', nowMs);
    t.equal(breaker.state, 'open');
    t.equal(breaker.allows(nowMs + pauseMs - 1), 'none');
    t.equal(breaker.allows(nowMs + pauseMs), 'probe');
    nowMs += pauseMs;
  }
});

t.test('chance shortens a pause by half at most', async (t) => {
  const breaker = opened(0, () => 0.999999);
  t.equal(breaker.allows(499), 'none');
  t.equal(breaker.allows(501), 'probe');
});

t.test('a probe that was never sent costs no pause', async (t) => {
  const breaker = opened(0);
  breaker.beginProbe();
  breaker.probed('unsent', 1000);
  t.same([breaker.state, breaker.allows(1000)], ['open', 'probe']);
});

t.test('requests from before it opened are no news', async (t) => {
  const breaker = opened(100);
  breaker.ended(false, 50, 200);
  t.equal(breaker.state, 'open', 'an answer to one does not close it');
  breaker.beginProbe();
  breaker.probed('answered', 1100);
  for (let n = 0; n < RULE.failures; n += 1) breaker.ended(true, 50, 1200);
  t.equal(breaker.state, 'closed', 'nor do their failures open it again');
});

t.test('a server that comes is probed at once, and nothing is held against it', async (t) => {
  const breaker = opened(0);
  breaker.beginProbe();
  breaker.probed('failed', 1000);
  t.equal(breaker.allows(1500), 'none');
  breaker.serverCame(1500);
  t.equal(breaker.allows(1500), 'probe');
  breaker.beginProbe();
  breaker.probed('failed', 1600);
  t.equal(breaker.allows(3600), 'probe', 'the pauses begin anew: twice the first');
  const closed = new Breaker(RULE, never);
  closed.ended(true, 0, 0);
  closed.ended(true, 0, 0);
  closed.serverCame(1);
  closed.ended(true, 2, 2);
  t.equal(closed.state, 'closed');
});
