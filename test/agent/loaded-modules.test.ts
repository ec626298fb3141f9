/** What only the lab needs is loaded by the commands that use it, never by the daemon, the doctors or the server. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { startAedes } from '../support/broker.js';
import { jpegOf, Outside } from '../support/system.js';

const RECORDER = fileURLToPath(new URL('./support/module-recorder.js', import.meta.url));
const PROGRAMS = { edgemux: 'dist/agent/main.js', 'edgemux-cloud': 'dist/cloud-stub/main.js' } as const;
const FORBIDDEN = [
  /\/node_modules\/echarts\//,
  /\/node_modules\/@saehrimnir\/druidjs\//,
  /\/node_modules\/aedes\//,
  /\/node_modules\/protobufjs\//,
  /\/node_modules\/pino-pretty\//,
  /\/node_modules\/(fastify|prom-client)\//,
  /\/dist\/http\/(server|fastify|prom-client|device\/|cloud\/)/,
  /\/dist\/lab\//,
];

interface Recorded {
  child: ChildProcess;
  ended: Promise<number | null>;
  /** Everything loaded so far. */
  modules: () => string[];
}

/** Starts a program that writes down what it loads; killed at teardown. */
function start(t: Test, program: keyof typeof PROGRAMS, ...args: string[]): Recorded {
  const file = join(t.testdirName, `${program}-${args[0] ?? ''}-modules.txt`);
  writeFileSync(file, '');
  const inherited = Object.entries(process.env).filter(([name]) => !/^(EDGEMUX|TAP|NODE_OPTIONS)/.test(name));
  const child = spawn(process.execPath, ['--import', RECORDER, PROGRAMS[program], ...args], {
    env: { ...Object.fromEntries(inherited), MODULES_FILE: file },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  t.teardown(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return { child, ended, modules: () => readFileSync(file, 'utf8').split('\n').filter(Boolean) };
}

const forbidden = (modules: readonly string[]): string[] =>
  modules.filter((module) => FORBIDDEN.some((pattern) => pattern.test(module)));

/** All of `parts` were loaded: the recorder sees packages, our files and those of worker threads. */
function sees(t: Test, modules: readonly string[], parts: readonly string[]): void {
  for (const part of parts)
    t.ok(
      modules.some((module) => module.includes(part)),
      `sees ${part}`,
    );
}

const QUIET = ['--provider', 'cpu', '--log-level', 'error'];

t.test('neither daemon nor server loads the lab or its packages while they answer frames', async (t) => {
  t.testdir();
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const config = join(t.testdirName, 'device.yaml');
  const settings = {
    device: 'm1',
    broker: { url: broker.url },
    dataDir: join(t.testdirName, 'data'),
    policy: { mode: 'cloud-only' },
    offload: { deadlineMs: 60_000 },
    power: { simulate: true },
    report: { stateIntervalS: 0.2 },
  };
  writeFileSync(config, JSON.stringify(settings)); // JSON is YAML
  const device = start(t, 'edgemux', 'run', '--config', config, ...QUIET);
  const server = start(t, 'edgemux-cloud', 'run', '--broker', broker.url, '--server', 's1', ...QUIET);
  const outside = await Outside.connect(t, broker.url, 'm1');
  t.ok(await outside.untilServed());
  await outside.publishFrame('door', await jpegOf(0));
  t.ok(await outside.untilResults(1));
  t.equal(outside.results[0]?.route, 'cloud');
  for (const { child, ended } of [device, server]) {
    child.kill('SIGTERM');
    t.equal(await ended, 0);
  }
  sees(t, device.modules(), [
    '/dist/agent/daemon.js',
    '/dist/mux/inference/inference-worker.js',
    '/dist/drivers/sampler/',
    '/node_modules/onnxruntime-node/',
    '/node_modules/better-sqlite3/',
    '/node_modules/sharp/',
  ]);
  sees(t, server.modules(), [
    '/dist/cloud-stub/server.js',
    '/node_modules/onnxruntime-node/',
    '/node_modules/sharp/',
  ]);
  t.same(forbidden(device.modules()), [], 'the daemon loads nothing of the lab');
  t.same(forbidden(server.modules()), [], 'nor does the server');
});

t.test('what serves HTTP is loaded where http.listen is on', async (t) => {
  t.testdir();
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const listen = ['--http-listen', '127.0.0.1:0'];
  const data = ['--data-dir', join(t.testdirName, 'data')];
  const device = start(
    t,
    'edgemux',
    'run',
    '--broker',
    broker.url,
    '--device',
    'm1',
    ...data,
    ...listen,
    ...QUIET,
  );
  const outside = await Outside.connect(t, broker.url, 'm1');
  await outside.untilState(({ device: name }) => name === 'm1');
  device.child.kill('SIGTERM');
  t.equal(await device.ended, 0);
  sees(t, device.modules(), [
    '/node_modules/fastify/',
    '/node_modules/prom-client/',
    '/dist/http/device/main.js',
  ]);
});

t.test('nor does a doctor', async (t) => {
  t.testdir();
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  for (const program of ['edgemux', 'edgemux-cloud'] as const) {
    const doctor = start(t, program, 'doctor', '--broker', broker.url, '--provider', 'cpu');
    await doctor.ended;
    sees(t, doctor.modules(), ['/dist/mux/doctor.js', '/dist/protocol/doctor.js', '/node_modules/sharp/']);
    t.same(forbidden(doctor.modules()), [], `${program} doctor loads nothing of the lab`);
  }
});

t.test('the recorder does see the lab where a command is the lab’s', async (t) => {
  t.testdir();
  const help = start(t, 'edgemux', 'eval', '--help');
  t.equal(await help.ended, 0);
  t.ok(forbidden(help.modules()).some((module) => module.endsWith('/dist/lab/eval/options.js')));
});
