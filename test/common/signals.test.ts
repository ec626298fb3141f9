import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import t from 'tap';

const SIGNALS = new URL('../../common/signals.js', import.meta.url).href;
const LOG = new URL('../../common/log.js', import.meta.url).href;

/** Says `up PID`, then what SIGHUP does to it; stays until it is asked to stop. */
function program(onHangUp: boolean): string[] {
  const reload = onHangUp ? `() => console.log('reload')` : 'null';
  return [
    '--input-type=module',
    '-e',
    `import { stopSignal } from '${SIGNALS}'; import { silentLog } from '${LOG}';
     const stop = stopSignal(silentLog(), ${reload}); const stay = setInterval(() => undefined, 1000);
     console.log('up ' + process.pid + '.'); console.log('stop ' + (await stop)); clearInterval(stay);`,
  ];
}

async function said(child: ChildProcess, pattern: RegExp): Promise<string> {
  let text = '';
  for await (const chunk of child.stdout!.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (pattern.test(text)) return text;
  }
  throw new Error(`ended after: ${text}`);
}

t.test('SIGHUP makes a service reload and go on', async (t) => {
  const child = spawn(process.execPath, program(true), { stdio: ['ignore', 'pipe', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  await said(child, /up/);
  child.kill('SIGHUP');
  await said(child, /reload/);
  child.kill('SIGTERM');
  await said(child, /stop SIGTERM/);
  t.same(await once(child, 'exit'), [0, null]);
});

t.test('SIGHUP is a stop where there is nothing to reload', async (t) => {
  const child = spawn(process.execPath, program(false), { stdio: ['ignore', 'pipe', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  await said(child, /up/);
  child.kill('SIGHUP');
  await said(child, /stop SIGHUP/);
  t.same(await once(child, 'exit'), [0, null]);
});

const withoutScript = spawnSync('script', ['--version']).error !== undefined && 'script is not installed';

t.test('in a terminal SIGHUP means that it is gone: a stop', { skip: withoutScript }, async (t) => {
  const quoted = [process.execPath, ...program(true)].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  const child = spawn('script', ['-qec', quoted.join(' '), '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const [, pid] = /up (\d+)\./.exec(await said(child, /up \d+\./)) ?? [];
  process.kill(Number(pid), 'SIGHUP');
  t.match(await said(child, /stop SIGHUP|reload/), /stop SIGHUP/);
});
