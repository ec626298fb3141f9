import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';

/** A program that logs, with `log` and `leaveLog` at hand. */
function program(body: string): string[] {
  const log = new URL('../../common/log.js', import.meta.url).href;
  const output = new URL('../../common/log-output.js', import.meta.url).href;
  const signals = new URL('../../common/signals.js', import.meta.url).href;
  return [
    '--input-type=module',
    '-e',
    `import { createLog, silentLog } from '${log}'; import { leaveLog } from '${output}';
     import { closeInspector, stopSignal } from '${signals}';
     const log = await createLog('test', { level: 'info', format: process.env.FORMAT ?? 'auto' }); ${body}`,
  ];
}

interface Line {
  level: number;
  msg: string;
  repeated?: number;
  camera?: string;
  lost?: number;
}

function linesOf(text: string): Line[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);
}

function run(body: string): Line[] {
  const { stderr, status } = spawnSync(process.execPath, program(body), { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return linesOf(stderr);
}

/** A program that logs more than any pipe holds, each line another; it says by IPC what waits in memory. */
const FLOOD = `
  const stop = stopSignal(silentLog());
  let n = 0;
  const flood = setInterval(() => {
    for (let i = 0; i < 500; i += 1) log.info({ n: n += 1 }, 'line ' + n + 'x'.repeat(1000));
    process.send({ n, waiting: process.stderr.writableLength });
  }, 1);
  await stop;
  clearInterval(flood);
  process.disconnect();
  leaveLog();
  process.exitCode = 7;`;

interface Flooding {
  n: number;
  waiting: number;
}

async function flooded(t: Test, child: ChildProcess): Promise<Flooding> {
  t.teardown(() => child.kill('SIGKILL'));
  for (;;) {
    const [said] = (await once(child, 'message')) as [Flooding];
    if (said.n >= 20_000) return said;
  }
}

t.test(
  'a reader of the log that stands still costs lines, not memory, and does not hold up SIGTERM',
  async (t) => {
    const child = spawn(process.execPath, program(FLOOD), { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    const { waiting } = await flooded(t, child);
    t.ok(waiting > 100_000, `the pipe is full: ${waiting} bytes wait`);
    t.ok(waiting < 512 * 1024, `of 20 MB logged ${waiting} bytes wait`);
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    t.same(await exited, [7, null], 'it ends by itself, with its own exit code');
  },
);

t.test('a reader that comes back hears how many lines it missed', async (t) => {
  const child = spawn(process.execPath, program(FLOOD), { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  await flooded(t, child);
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  while (!text.includes('"lost":')) await once(child.stderr!, 'data');
  child.kill('SIGTERM');
  await once(child, 'exit');
  t.match(text, /"lost":\d+,"msg":"log lines were lost: their reader does not take them"/);
});

t.test('a reader that goes away costs nothing either', async (t) => {
  const child = spawn(process.execPath, program(FLOOD), { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  child.stderr?.destroy();
  await flooded(t, child);
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  t.same(await exited, [7, null]);
});

t.test(
  'equal lines beyond a rate become one, with how many they were and the last one’s fields',
  async (t) => {
    const lines = run(`for (let i = 1; i <= 1000; i += 1) {
    log.warn({ camera: 'cam-' + i }, 'frame refused');
    if (i % 500 === 0) log.info('between');
  }`);
    const refused = lines.filter(({ msg }) => msg === 'frame refused');
    t.equal(refused.length, 21);
    t.same(
      refused.slice(0, 20).map(({ camera }) => camera),
      Array.from({ length: 20 }, (_, n) => `cam-${n + 1}`),
    );
    t.match(refused.at(-1), { level: 40, camera: 'cam-1000', repeated: 980 });
    t.equal(lines.filter(({ msg }) => msg === 'between').length, 2, 'other texts are not touched');
  },
);

t.test('lines that differ in text or level are all written, and so is what debug asks for', async (t) => {
  t.equal(run(`for (let i = 0; i < 100; i += 1) log.info('line ' + i)`).length, 100);
  t.equal(run(`log.level = 'debug'; for (let i = 0; i < 100; i += 1) log.debug('same')`).length, 100);
  t.equal(run(`for (let i = 0; i < 20; i += 1) { log.info('same'); log.error('same'); }`).length, 40);
});

t.test('SIGUSR1 opens no inspector', async (t) => {
  const child = spawn(
    process.execPath,
    program(`closeInspector(); process.on('message', () => process.exit(0)); log.info('up');`),
    { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] },
  );
  t.teardown(() => child.kill('SIGKILL'));
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  while (!text.includes('"up"')) await once(child.stderr!, 'data');
  child.kill('SIGUSR1');
  child.send('end'); // delivered after the signal
  t.same(await once(child, 'exit'), [0, null]);
  t.notMatch(text, /Debugger|inspector/i);
});

const withoutScript = spawnSync('script', ['--version']).error !== undefined && 'script is not installed';
/** Level, local time, message, fields. */
const PRETTY = (level: string): RegExp =>
  new RegExp(`^${level} \\[\\d\\d:\\d\\d:\\d\\d\\.\\d{3}\\]: it is so \\{"camera":"door"\\}$`);
const SAID = `log.warn({ camera: 'door' }, 'it is so');`;

function errorsOf(body: string, env: NodeJS.ProcessEnv): string[] {
  const options = { encoding: 'utf8', env: { ...process.env, ...env } } as const;
  return spawnSync(process.execPath, program(body), options).stderr.trimEnd().split('\n');
}

t.test(
  'log.format: JSON lines are for whatever is no terminal, unless they are asked to be pretty',
  async (t) => {
    for (const FORMAT of ['auto', 'json'])
      t.match(JSON.parse(errorsOf(SAID, { FORMAT })[0]!), { camera: 'door' });
    t.match(errorsOf(SAID, { FORMAT: 'pretty' }), [PRETTY('WARN')]);
  },
);

t.test('times for people are local', async (t) => {
  const hourIn = (TZ: string): number => {
    const [line = ''] = errorsOf(SAID, { FORMAT: 'pretty', TZ });
    return Number(/\[(\d\d):/.exec(line)?.[1]);
  };
  const hours = (hourIn('Etc/GMT-9') - hourIn('UTC') + 24) % 24;
  t.ok(hours === 9 || hours === 10, `${hours}: in between an hour may have begun`);
});

t.test(
  'on a terminal the log is for people, and in colours unless NO_COLOR',
  { skip: withoutScript },
  async (t) => {
    const [command, ...args] = [process.execPath, ...program(SAID)];
    const quoted = [command, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
    const shown = (env: NodeJS.ProcessEnv): string =>
      spawnSync('script', ['-qec', quoted, '/dev/null'], {
        encoding: 'utf8',
        env: { ...process.env, TERM: 'xterm', ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
        .stdout.replaceAll('\r', '')
        .trimEnd();
    t.match(shown({ NO_COLOR: '1' }), PRETTY('WARN'));
    t.ok(shown({ NO_COLOR: '' }).startsWith('\u001b[33mWARN'));
    t.match(shown({ FORMAT: 'json' }), /^\{"level":40/);
  },
);

t.test(
  'to the journal of systemd each line says its priority, and so does an error that ends a program',
  async (t) => {
    const file = join(t.testdir(), 'journal');
    const written = (args: string[], env: NodeJS.ProcessEnv = {}): string[] => {
      const fd = openSync(file, 'w');
      const { dev, ino } = fstatSync(fd, { bigint: true });
      const stream = { JOURNAL_STREAM: `${dev}:${ino}` };
      spawnSync(process.execPath, args, {
        env: { ...process.env, ...stream, ...env },
        stdio: ['ignore', 'ignore', fd],
      });
      closeSync(fd);
      return readFileSync(file, 'utf8').trimEnd().split('\n');
    };
    const all = `log.level = 'debug'; for (const at of ['fatal', 'error', 'warn', 'info', 'debug']) log[at](at);`;
    t.match(
      written(program(all)).map((line) => line.slice(0, 14)),
      ['<2>{"level":60', '<3>{"level":50', '<4>{"level":40', '<6>{"level":30', '<7>{"level":20'],
    );
    t.match(written(program(`log.error(new Error('why'))`), { FORMAT: 'pretty' }), [/^<3>ERROR/, /^<3>/]);
    const errors = written(['dist/agent/main.js', 'run', '--brokr', 'x']);
    t.same(errors, ['<3>error: Unknown argument: brokr. Did you mean --broker?', '<3>Try --help.']);
    t.match(written(program(SAID), { JOURNAL_STREAM: '1:2' }), [/^\{/], 'another file is not the journal');
  },
);
