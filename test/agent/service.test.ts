import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { startAedes } from '../support/broker.js';
import { listenForNotices, withoutPython, type Heard } from '../support/notify.js';
import { jpegOf, Outside, PATIENCE_MS } from '../support/system.js';

const skip = withoutPython();

/** A program under with-notify, as a unit file starts it, and what systemd would hear of it. */
async function service(t: Test, address: string, program: string[]) {
  const heard = await listenForNotices(t, address);
  const child = spawn('systemd/with-notify', [process.execPath, ...program], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, NOTIFY_SOCKET: address, WATCHDOG_USEC: '300000' },
  });
  t.teardown(() => child.kill('SIGKILL'));
  const until = async (holds: (notice: Heard) => boolean): Promise<Heard | undefined> => {
    const endMs = performance.now() + PATIENCE_MS;
    while (!heard.some(holds) && performance.now() < endMs) await new Promise((r) => setTimeout(r, 10));
    return heard.find(holds);
  };
  const exited = once(child, 'exit');
  return { heard, child, until, exited };
}

t.test(
  'systemd hears from the device itself: ready, alive with what it does, stopping',
  { skip },
  async (t) => {
    const dir = t.testdir();
    const short = mkdtempSync(join(tmpdir(), 'edgemux-')); // a socket's path has 107 characters at most
    t.teardown(() => rmSync(short, { recursive: true }));
    const broker = await startAedes();
    t.teardown(() => broker.stop());
    const outside = await Outside.connect(t, broker.url, 'd');
    const { child, exited, heard, until } = await service(t, join(short, 'notify'), [
      'dist/agent/main.js',
      ...['run', '--broker', broker.url, '--device', 'd', '--data-dir', join(dir, 'data')],
      ...['--provider', 'cpu', '--policy', 'mobile-only', '--log-level', 'error'],
    ]);
    t.ok(await until(({ fields }) => fields['READY'] === '1'));
    t.ok(await outside.untilState(() => true));
    await outside.publishFrame('cam', await jpegOf(0));
    t.ok(await outside.untilResults(1));
    const busy = await until(({ fields }) => /local 100 %/.test(fields['STATUS'] ?? ''));
    t.match(busy?.fields, { WATCHDOG: '1', STATUS: /results\/s: local 100 %; 1 admitted, 0 under way/ });
    child.kill('SIGTERM');
    t.same(await exited, [0, null]);
    t.ok(await until(({ fields }) => fields['STOPPING'] === '1'));
    t.ok(
      heard.every(({ pid }) => pid === child.pid),
      'NotifyAccess=main is enough',
    );
  },
);

t.test('the server says the same, over an abstract socket too', { skip }, async (t) => {
  const { child, exited, until } = await service(t, `@edgemux-test-${process.pid}`, [
    ...['dist/cloud-stub/main.js', 'run', '--broker', 'mqtt://127.0.0.1:9'],
    ...['--provider', 'cpu', '--log-level', 'error'],
  ]);
  t.match((await until(({ fields }) => fields['READY'] === '1'))?.fields, {
    STATUS: /^0 answers of 0 requests/,
  });
  t.ok(await until(({ fields }) => fields['WATCHDOG'] === '1' && fields['READY'] === undefined));
  child.kill('SIGTERM');
  t.same(await exited, [0, null]);
  t.ok(await until(({ fields }) => fields['STOPPING'] === '1'));
});
