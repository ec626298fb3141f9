import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import t, { type Test } from 'tap';
import { agentConfigSchema } from '../../agent/config.js';
import { AgentDaemon } from '../../agent/daemon.js';
import { systemClock } from '../../common/clock.js';
import { silentLog } from '../../common/log.js';
import { JournalReader } from '../../journal/reader.js';
import { startAedes } from '../support/broker.js';
import { startBrokerProxy } from '../support/broker-proxy.js';
import { jpegOf, Outside, startDevice } from '../support/system.js';

/** The program itself, so that it can be killed. */
async function program(t: Test, outside: Outside, url: string, dataDir: string): Promise<ChildProcess> {
  outside.state = null;
  const child = spawn(
    process.execPath,
    [
      ...['dist/agent/main.js', 'run', '--broker', url, '--device', 'd', '--data-dir', dataDir],
      ...['--provider', 'cpu', '--policy', 'mobile-only', '--log-level', 'silent'],
    ],
    {
      stdio: 'ignore',
      env: { ...process.env, EDGEMUX_REPORT_STATE_INTERVAL_S: '0.2' },
    },
  );
  t.teardown(() => child.kill('SIGKILL'));
  t.ok(await outside.untilState(() => true), 'the device runs');
  return child;
}

function total(counts: Record<string, number>): number {
  return Object.values(counts).reduce((sum, n) => sum + n, 0);
}

t.test(
  'after kill -9 what was journaled is delivered with the same bytes, and the death is counted',
  async (t) => {
    const broker = await startAedes();
    t.teardown(() => broker.stop());
    const line = await startBrokerProxy(broker.port);
    t.teardown(() => line.stop());
    const dataDir = t.testdir();
    const outside = await Outside.connect(t, broker.url, 'd');
    const first = await program(t, outside, line.url, dataDir);
    let swallowed = '';
    line.swallow((chunk) => void (swallowed += chunk.toString('latin1')));
    for (let n = 0; n < 8; n += 1) {
      await outside.publishFrame('cam', await jpegOf(n));
      const made = n + 1;
      t.ok(
        await outside.until(() => swallowed.split('"imageSha256"').length > made),
        `result ${made} is on its way`,
      );
    }
    await outside.publishFrame('cam', await jpegOf(9));
    first.kill('SIGKILL');
    await once(first, 'exit');
    t.equal(outside.results.length, 0, 'nothing of it arrived');
    const reader = new JournalReader(dataDir, String);
    const rows = [...reader.results()].map(({ result }) => result);
    reader.close();
    t.ok(rows.length >= 8, `${rows.length} results were journaled`);
    await program(t, outside, broker.url, dataDir);
    t.ok(await outside.untilResults(rows.length));
    t.same(
      outside.raw.map(({ payload }) => Buffer.from(payload).toString()),
      rows,
      'in order and byte for byte',
    );
    t.ok(await outside.untilState(({ counters }) => counters.uncleanRestarts === 1));
    t.ok(outside.state?.health.warnings.some((warning) => /did not stop/.test(warning)));
  },
);

t.test('SIGTERM in the middle of a flood: every admitted frame is a result or a counted drop', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const dataDir = t.testdir();
  const outside = await Outside.connect(t, broker.url, 'd');
  const child = await program(t, outside, broker.url, dataDir);
  const jpeg = await jpegOf(0);
  const sent = Array.from({ length: 200 }, (_, n) => outside.publishFrame(`cam-${n % 20}`, jpeg));
  t.ok(await outside.untilResults(5), 'frames are under way');
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  t.same(await exited, [0, null]);
  await Promise.all(sent);
  const counters = outside.state?.counters;
  t.ok(counters && counters.admitted > 0);
  t.equal(
    counters?.admitted,
    (counters?.results ?? 0) + total(counters?.drops ?? {}),
    'its last word adds up',
  );
  t.ok(await outside.until(() => outside.results.length === counters?.results), 'all results have arrived');
  const db = new Database(join(dataDir, 'journal.sqlite'), { readonly: true });
  t.same(db.prepare('SELECT count(*) n FROM results WHERE delivered = 0').get(), { n: 0 });
  t.same(db.prepare("SELECT value FROM meta WHERE name = 'running'").get(), { value: 0 });
  db.close();
});

t.test('models that change on disk stay as they were loaded, and the device says so', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const zoo = t.testdir();
  cpSync('models/fashion-mnist', zoo, { recursive: true });
  const outside = await Outside.connect(t, broker.url, 'd');
  await startDevice(t, broker.url, {
    device: 'd',
    zoo,
    dataDir: join(zoo, 'data'),
    policy: { mode: 'mobile-only' },
  });
  await outside.publishFrame('cam', await jpegOf(0));
  t.ok(await outside.untilResults(1));
  for (const name of readdirSync(zoo).filter((file) => file.endsWith('.onnx')))
    writeFileSync(join(zoo, name), 'x');
  t.ok(
    await outside.untilState(({ health }) => health.warnings.some((text) => /restart the device/.test(text))),
  );
  await outside.publishFrame('cam', await jpegOf(0));
  t.ok(await outside.untilResults(2));
  t.equal(outside.results[1]?.classIndex, outside.results[0]?.classIndex);
});

t.test('the wall clock may jump an hour either way: it only stamps', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const outside = await Outside.connect(t, broker.url, 'd');
  let jumpMs = 0;
  const clock = { ...systemClock, wallMs: () => systemClock.wallMs() + jumpMs };
  const config = agentConfigSchema.parse({
    device: 'd',
    dataDir: t.testdir(),
    broker: { url: broker.url },
    policy: { mode: 'mobile-only' },
    inference: { providers: ['cpu'] },
    report: { stateIntervalS: 0.1 },
  });
  const daemon = new AgentDaemon({ log: silentLog(), clock }, config);
  t.teardown(() => daemon.stop());
  await daemon.start();
  t.ok(await outside.untilState(() => true));
  for (const [n, hours] of [0, 1, -1, 0].entries()) {
    jumpMs = hours * 3_600_000;
    await outside.publishFrame('cam', await jpegOf(n));
    t.ok(await outside.untilResults(n + 1));
    const { capturedAt, latencyMs } = outside.results[n]!;
    t.ok(Math.abs(Date.parse(capturedAt) - systemClock.wallMs() - jumpMs) < 60_000, `stamped ${capturedAt}`);
    t.ok(latencyMs.total >= 0 && latencyMs.total < 60_000, `took ${latencyMs.total} ms`);
  }
  t.equal(new Set(outside.results.map(({ frameId }) => frameId)).size, 4);
  const seen = outside.state?.uptimeS ?? 0;
  t.ok(seen < 600, `up for ${seen} s`);
});

t.test('a clock that was never set is a warning, and results say so until it is set', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const outside = await Outside.connect(t, broker.url, 'd');
  let nowMs = (): number => 86_400_000 + systemClock.monotonicMs();
  const config = agentConfigSchema.parse({
    device: 'd',
    dataDir: t.testdir(),
    broker: { url: broker.url },
    policy: { mode: 'mobile-only' },
    inference: { providers: ['cpu'] },
    report: { stateIntervalS: 0.1 },
  });
  const daemon = new AgentDaemon(
    { log: silentLog(), clock: { ...systemClock, wallMs: () => nowMs() } },
    config,
  );
  t.teardown(() => daemon.stop());
  await daemon.start();
  const warned = (): boolean =>
    outside.state?.health.warnings.some((text) => /never set/.test(text)) ?? false;
  t.ok(await outside.untilState(warned), 'the health says so');
  await outside.publishFrame('cam', await jpegOf(0));
  t.ok(await outside.untilResults(1));
  t.match(outside.results[0], { clockTrusted: false, capturedAt: /^1970-01-02/ });
  nowMs = () => systemClock.wallMs();
  await outside.publishFrame('cam', await jpegOf(0));
  t.ok(await outside.untilResults(2));
  t.notOk('clockTrusted' in (outside.results[1] ?? {}), 'a right clock is not spoken of');
  t.ok(await outside.untilState(() => !warned()), 'nor in the health');
});

t.test('a second daemon on the same folder does not start, and disturbs nobody', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const dataDir = t.testdir();
  const outside = await Outside.connect(t, broker.url, 'd');
  const child = await program(t, outside, broker.url, dataDir);
  const config = agentConfigSchema.parse({
    device: 'other',
    dataDir,
    broker: { url: broker.url },
    policy: { mode: 'mobile-only' },
    inference: { providers: ['cpu'] },
  });
  const second = new AgentDaemon({ log: silentLog() }, config);
  await t.rejects(second.start(), {
    code: 'DATA_DIR_IN_USE',
    message: new RegExp(`process number ${child.pid}:`),
  });
  await second.stop();
  await outside.publishFrame('cam', await jpegOf(0));
  t.ok(await outside.untilResults(1), 'the first goes on');
  child.kill('SIGKILL');
  await once(child, 'exit');
  await startDevice(t, broker.url, { device: 'd', dataDir, policy: { mode: 'mobile-only' } });
});

t.test('a device that has stopped holds nothing open', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const dataDir = t.testdir();
  const open = (): string[] =>
    readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/self/fd/${fd}`)];
      } catch {
        return []; // the one that lists them
      }
    });
  const cycle = async (): Promise<number> => {
    const daemon = await startDevice(t, broker.url, {
      device: 'd',
      dataDir,
      policy: { mode: 'mobile-only' },
    });
    t.ok(open().some((path) => path.includes('journal.sqlite')));
    await daemon.stop();
    await new Promise((resolve) => setTimeout(resolve, 200)); // the broker's ends of the sockets
    t.same(
      open().filter((path) => path.startsWith(dataDir)),
      [],
    );
    return open().length;
  };
  await cycle();
  const once = await cycle();
  t.equal(await cycle(), once, `${once} descriptors, as before`);
});
