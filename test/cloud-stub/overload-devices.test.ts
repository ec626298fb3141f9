/** Real device daemons that want more of a real server process than it can do. Figures are printed; luck decides nothing. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { percentile } from '../../common/statistics.js';
import { startAedes } from '../support/broker.js';
import { jpegOf, Outside, startDevice } from '../support/system.js';
import { Asker } from './support/asker.js';
import { startServerProcess } from './support/server-process.js';

const DEVICES = ['d1', 'd2'];
const CAMERAS = 8;
const FRAMES = 15;
/** So long that no machine is slow enough for timeouts to decide anything. */
const DEADLINE_MS = 10_000;
const KINDS = [
  'cloud:disabled',
  ...['refused', 'backing-off', 'window-full', 'timeout'].map((why) => `fallback:${why}`),
];

t.setTimeout(170_000);

t.test('every frame has one result, the server says no at once, and the devices back off', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  t.testdir();
  const asker = await Asker.connect(t, broker.url, 'watch');
  const server = startServerProcess(t, broker.url, 's', {
    policy: { mode: 'ensemble', T: 0 },
    batching: { sizes: [1] },
    queue: { depth: 1, maxRequests: 2 },
  });
  t.ok(await asker.untilOnline('s'));
  const jpeg = await jpegOf(0);
  const outsides = await Promise.all(
    DEVICES.map(async (device) => {
      const outside = await Outside.connect(t, broker.url, device);
      await startDevice(t, broker.url, {
        device,
        dataDir: `${t.testdirName}/${device}`,
        policy: { mode: 'cloud-only' },
        offload: { deadlineMs: DEADLINE_MS },
        cameras: { topics: [`cameras/${device}/{camera}`] },
      });
      t.ok(await outside.untilServed());
      return outside;
    }),
  );
  const before = residentMb(server.pid);
  // each camera sends its next frame when it has the result of its last
  const loops = outsides.flatMap((outside, device) =>
    Array.from({ length: CAMERAS }, async (_, camera) => {
      const own = (): number => outside.results.filter((result) => result.camera === `c${camera}`).length;
      for (let n = 1; n <= FRAMES; n += 1) {
        await outside.connection.publish(`cameras/${DEVICES[device]}/c${camera}`, jpeg, { qos: 1 });
        if (!(await outside.until(() => own() >= n))) return;
      }
    }),
  );
  await Promise.all(loops);
  for (const outside of outsides) {
    t.equal(
      new Set(outside.results.map(({ frameId }) => frameId)).size,
      CAMERAS * FRAMES,
      'one result a frame',
    );
    t.equal(outside.results.length, CAMERAS * FRAMES);
    t.ok(
      await outside.untilState(({ counters }) => counters.admitted === CAMERAS * FRAMES),
      'nothing was dropped',
    );
    t.ok(
      await outside.untilState(({ offload }) => offload?.breaker === 'closed'),
      'a busy server is no failure',
    );
  }
  const results = outsides.flatMap((outside) => outside.results);
  const kinds = results.map(({ reason, route }) => `${route}:${reason}`);
  t.same(
    [...new Set(kinds)].filter((kind) => !KINDS.includes(kind)),
    [],
  );
  t.ok(kinds.includes('cloud:disabled') && kinds.includes('fallback:refused'));
  t.ok(
    kinds.includes('fallback:backing-off') || kinds.includes('fallback:window-full'),
    'the devices hold back',
  );
  const ms = (share: number): string =>
    percentile(
      results.map(({ latencyMs }) => latencyMs.total),
      share,
    ).toFixed(1);
  t.comment(KINDS.map((kind) => `${kind} ${kinds.filter((one) => one === kind).length}`).join(', '));
  t.comment(
    `p50 ${ms(0.5)} ms, p99 ${ms(0.99)} ms; server ${before.toFixed(0)} → ${residentMb(server.pid).toFixed(0)} MB`,
  );
});

/** Resident memory in MB; NaN where there is no /proc to read. */
function residentMb(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1000;
  } catch {
    return NaN;
  }
}
