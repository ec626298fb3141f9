import t from 'tap';
import { LinkLane } from '../../../../lab/measure/link/link-lane.js';
import { LINKS, linkProfile } from '../../../../lab/measure/link/links.js';
import { uploadShare } from '../../../../lab/measure/summary/network-split.js';

/** A lane on a clock that only waiting moves. */
function lane(options: ConstructorParameters<typeof LinkLane>[1], random = (): number => 0.5) {
  let nowMs = 0;
  const timers: { atMs: number; run: () => void }[] = [];
  const clock = { monotonicMs: () => nowMs, wallMs: () => nowMs };
  const made = new LinkLane(
    { clock, random, wait: (run, ms) => timers.push({ atMs: nowMs + ms, run }) },
    options,
  );
  const arrivals: number[] = [];
  return {
    send: (bytes: number) => made.send(bytes, () => arrivals.push(nowMs)),
    finish: (): number[] => {
      for (let timer = timers.shift(); timer; timer = timers.shift()) {
        nowMs = timer.atMs;
        timer.run();
      }
      return arrivals;
    },
  };
}

t.test('20 KB up a US mobile link of 2019 take 16 ms and half a round trip', async (t) => {
  const { uplinkMbitS, rttMs } = LINKS['us-mobile-2019'];
  const up = lane({ mbitS: uplinkMbitS, delayMs: rttMs / 2, jitterMs: 0 });
  up.send(20_000);
  const [arrivedMs = 0] = up.finish();
  t.ok(Math.abs(arrivedMs - (16.41 + 25)) < 0.1, `${arrivedMs} ms`);
});

t.test('messages share the rate, and none overtakes another however the delay varies', async (t) => {
  const delays = [0.9, 0, 0.5];
  const up = lane({ mbitS: 8, delayMs: 10, jitterMs: 20 }, () => delays.shift() ?? 0);
  up.send(1000);
  up.send(1000);
  up.send(1000);
  t.same(
    up.finish().map((ms) => Math.round(ms)),
    [29, 29, 29],
    'the second and third are due earlier and wait for the first',
  );
});

t.test('without limits a lane delivers at once', async (t) => {
  const up = lane({ mbitS: null, delayMs: 0, jitterMs: 0 });
  up.send(1e9);
  t.same(up.finish(), [0]);
});

t.test('a profile changed by a flag is custom and says where it comes from', async (t) => {
  t.same(linkProfile('wifi', {}), LINKS.wifi);
  t.match(linkProfile('wifi', { rtt: 30 }), {
    name: 'custom',
    rttMs: 30,
    uplinkMbitS: 18.88,
    source: /wifi/,
  });
  t.throws(() => linkProfile('custom', {}), /--uplink/);
  t.throws(() => linkProfile('wifi', { uplink: 0 }), /--uplink must be/);
});

t.test('the upload share follows bytes and rates of the quickest exchanges', async (t) => {
  const link = { rttMs: 10, uplinkMbitS: 10, downlinkMbitS: 40, tries: 7, payloadBytes: 65536 };
  const quick = { networkMs: 30, uploadBytes: 20_000, downloadBytes: 1000 };
  const slow = { networkMs: 300, uploadBytes: 90_000, downloadBytes: 1000 };
  // 16 ms up and 0.2 ms down are transfer; of the 13.8 ms left half goes each way.
  const share = uploadShare([quick, quick, quick, ...Array.from({ length: 38 }, () => slow)], link) ?? 0;
  t.ok(Math.abs(share - 22.9 / 30) < 1e-9, `${share}`);
  t.equal(uploadShare([quick], null), 0.5, 'nothing is known of the rates: half');
  t.equal(uploadShare([], link), null);
});
