/** The real daemon and a server process that freezes, dies and comes back. Figures are printed; luck decides nothing. */
import t, { type Test } from 'tap';
import { percentile } from '../../common/statistics.js';
import type { Result } from '../../protocol/messages.js';
import { startServerProcess, type ServerProcess } from '../cloud-stub/support/server-process.js';
import { startAedes } from '../support/broker.js';
import { jpegOf, Outside, startDevice } from '../support/system.js';

const DEADLINE_MS = 400;
const CAMERAS = 4;
const FAILURES = 5;

interface Scene {
  outside: Outside;
  server: ServerProcess;
  url: string;
}

async function setUp(t: Test): Promise<Scene> {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  t.testdir();
  const outside = await Outside.connect(t, broker.url, 'd');
  const server = startServerProcess(t, broker.url, 's');
  await startDevice(t, broker.url, {
    device: 'd',
    dataDir: t.testdirName,
    policy: { mode: 'cloud-only' },
    offload: {
      deadlineMs: DEADLINE_MS,
      breaker: { failures: FAILURES, probeMs: 200, longestProbeMs: 400 },
    },
  });
  t.ok(await outside.untilServed());
  return { outside, server, url: broker.url };
}

/** Each camera publishes its next frame when it has the result of its last, until `done` says so of all results. */
async function film(outside: Outside, done: (results: readonly Result[]) => boolean): Promise<Result[]> {
  const jpeg = await jpegOf(0);
  const first = outside.results.length;
  const ours = (): Result[] => outside.results.slice(first);
  let frames = 0;
  const loops = Array.from({ length: CAMERAS }, async (_, camera) => {
    const own = (): number => ours().filter((result) => result.camera === `c${camera}`).length;
    for (let n = 1; !done(ours()); n += 1) {
      frames += 1;
      await outside.publishFrame(`c${camera}`, jpeg);
      if (!(await outside.until(() => own() >= n))) return;
    }
  });
  await Promise.all(loops);
  const ids = new Set(ours().map(({ frameId }) => frameId));
  if (ids.size !== frames) throw new Error(`${frames} frames have ${ids.size} results`);
  return ours();
}

const enough = (n: number) => (results: readonly Result[]) => results.length >= n;
const sinceCloud = (results: readonly Result[]): boolean => results.some(({ route }) => route === 'cloud');
const reasonsOf = (results: readonly Result[]): string[] => [...new Set(results.map(({ reason }) => reason))];

function figures(t: Test, what: string, results: readonly Result[]): void {
  const ms = (share: number): string =>
    percentile(
      results.map(({ latencyMs }) => latencyMs.total),
      share,
    ).toFixed(1);
  t.comment(`${what}: ${results.length} results, p50 ${ms(0.5)} ms, p99 ${ms(0.99)} ms`);
}

t.test(
  'a server that freezes is waited for a few times, then not at all, and is found again when it thaws',
  async (t) => {
    const { outside, server } = await setUp(t);
    await outside.setPolicy({ mode: 'mobile-only' });
    t.ok(await outside.untilState(({ policy }) => policy.mode === 'mobile-only'));
    const local = await film(outside, enough(60));
    await outside.setPolicy({ mode: 'cloud-only' });
    t.ok(await outside.untilState(({ policy }) => policy.mode === 'cloud-only'));
    t.ok(sinceCloud(await film(outside, sinceCloud)), 'the server answers');

    server.signal('SIGSTOP');
    const frozen = await film(outside, (results) => results.some(({ reason }) => reason === 'breaker-open'));
    const before = frozen.filter(({ reason }) => reason !== 'breaker-open');
    const timeouts = outside.results.filter(({ reason }) => reason === 'timeout'); // of a slow machine's first frames, too
    t.ok(timeouts.length >= FAILURES, 'timeouts opened it');
    t.ok(
      await outside.untilState(({ offload }) => offload?.opened === 1 && offload.breaker !== 'closed'),
      'the state says so',
    );
    t.match(outside.state?.health.warnings.join(), /keep failing/);
    const after = await film(outside, enough(100));
    t.same(reasonsOf(after), ['breaker-open']);
    t.ok(
      after.every(({ route, latencyMs }) => route === 'fallback' && latencyMs.network === 0),
      'nobody waits',
    );
    figures(t, `frozen, deadline ${DEADLINE_MS} ms, until the breaker opens`, before);
    figures(t, 'frozen, breaker open', after);
    figures(t, 'local path', local);

    server.signal('SIGCONT');
    t.ok(sinceCloud(await film(outside, sinceCloud)));
    t.ok(await outside.untilState(({ offload }) => offload?.breaker === 'closed'));
    t.ok((outside.state?.offload?.probes ?? 0) > 0, 'a probe found it');
    t.ok(
      await outside.untilState(({ counters }) => counters.admitted === outside.results.length),
      'nothing was dropped',
    );
  },
);

t.test('a server that is killed is not waited for, and its successor is found at once', async (t) => {
  const { outside, server, url } = await setUp(t);
  t.ok(sinceCloud(await film(outside, sinceCloud)));
  server.signal('SIGKILL');
  t.ok(await outside.untilState((state) => state.servers.every(({ usable }) => !usable)));
  const gone = await film(outside, enough(100));
  t.same(reasonsOf(gone), ['server-away']);
  figures(t, 'server killed', gone);
  startServerProcess(t, url, 's');
  t.ok(await outside.untilServed());
  t.ok(sinceCloud(await film(outside, sinceCloud)));
  t.ok(await outside.untilState(({ offload }) => offload?.breaker === 'closed'));
});
