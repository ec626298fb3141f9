import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startAedes } from '../support/broker.js';
import { jpegOf, Outside } from '../support/system.js';

const PROGRAMS = { edgemux: 'dist/agent/main.js', 'edgemux-cloud': 'dist/cloud-stub/main.js' } as const;

interface Called {
  code: number | null;
  out: string;
  err: string;
}

const call = (program: keyof typeof PROGRAMS, ...args: string[]): Called => callWith({}, program, ...args);

function callWith(env: NodeJS.ProcessEnv, program: keyof typeof PROGRAMS, ...args: string[]): Called {
  const done = spawnSync(process.execPath, [PROGRAMS[program], ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  return { code: done.status, out: done.stdout, err: done.stderr };
}

for (const program of ['edgemux', 'edgemux-cloud'] as const) {
  t.test(`${program} explains itself`, async (t) => {
    const help = call(program, '--help');
    t.equal(help.code, 0);
    t.match(help.out, /run +run the/);
    t.match(call(program, 'run', '--help').out, /--broker/);
    const version = call(program, '--version');
    t.match(version.out.trim(), /^\d+\.\d+\.\d+$/);
    t.equal(version.code, 0);
  });

  t.test(
    `${program} alone explains itself by examples; -h and -v are short for --help and --version`,
    async (t) => {
      t.match(call(program), { code: 2, out: /Commands:.*run.*doctor.*Examples:.*--broker/s, err: '' });
      t.equal(call(program, '-v').out, call(program, '--version').out);
      t.equal(call(program, 'run', '-h').out, call(program, 'run', '--help').out);
    },
  );

  t.test(`${program} names the option or environment variable that was probably meant`, async (t) => {
    t.match(call(program, 'run', '--brokr', 'x'), { code: 2, err: /brokr. Did you mean --broker\?/ });
    const prefix = program === 'edgemux' ? 'EDGEMUX' : 'EDGEMUX_CLOUD';
    const wrong = callWith({ [`${prefix}_BROKR_URL`]: 'x' }, program, 'run');
    t.match(wrong, { code: 2, err: `did you mean "${prefix}_BROKER_URL"?` });
  });

  t.test(`${program} prints no user part of a broker's URL, however wrong it is`, async (t) => {
    const { code, out, err } = call(program, 'run', '--broker', 'u:hunter2@host');
    t.equal(code, 2);
    t.notMatch(out + err, /hunter/);
    const misplaced = call(program, 'run', 'mqtt://me:hunter2@host');
    t.match(misplaced, { code: 2, err: /Unknown argument/ });
    t.notMatch(misplaced.err, /hunter/);
  });

  t.test(`${program} takes the last one of an option that is given twice`, async (t) => {
    const { code, err } = call(program, 'run', '--zoo', 'models/fashion-mnist', '--zoo', t.testdir());
    t.equal(code, 1);
    t.ok(err.includes(`${t.testdirName}`), err);
  });

  t.test(`${program} ends without a word when the reader of its output leaves`, async (t) => {
    const command = `"${process.execPath}" ${PROGRAMS[program]} doctor --broker mqtt://127.0.0.1:1 --provider cpu`;
    // without NODE_OPTIONS the test runner adds no handlers of signals
    const shell = `unset NODE_OPTIONS; (trap '' PIPE; ${command}; echo "exit $?" >&2) | head -n 1`;
    const { stdout, stderr } = spawnSync('sh', ['-c', shell], { encoding: 'utf8' });
    t.match(stdout, /config/);
    t.match(stderr, /^exit \d+\n$/, 'no stack trace');
  });

  t.test(`${program} refuses what it does not know with exit code 2`, async (t) => {
    t.match(call(program, 'rum'), { code: 2, err: /There is no command rum\. Did you mean run\?/ });
    t.match(call(program, 'run', '--brokr', 'x'), { code: 2, err: /brokr/ });
    t.match(call(program, 'run', '--provider', 'abacus'), {
      code: 2,
      err: /providers.*tensorrt.*cuda.*cpu.*abacus/s,
    });
  });

  t.test(`${program} run names a misspelt key, its file and the nearest key`, async (t) => {
    const file = join(t.testdir(), 'site.yaml');
    writeFileSync(file, 'broker:\n  ulr: mqtt://127.0.0.1\n');
    const { code, err } = call(program, 'run', '--config', file);
    t.equal(code, 2);
    t.ok(err.includes(`unknown key "broker.ulr" in ${file}: did you mean "broker.url"?`), err);
  });

  t.test(`${program} run says what is wrong with a zoo and ends with exit code 1`, async (t) => {
    const { code, err } = call(program, 'run', '--zoo', t.testdir());
    t.equal(code, 1);
    t.match(err, /\[ZOO_NOT_FOUND\].*manifest\.json/);
  });
}

t.test('edgemux run finishes what is admitted on SIGTERM, says offline and exits 0', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const outside = await Outside.connect(t, broker.url, 'd9');
  const statuses: string[] = [];
  await outside.connection.subscribe('edgemux/d9/status', { qos: 1 }, ({ payload }) => {
    statuses.push(Buffer.from(payload).toString());
  });
  const args = [
    'run',
    '--broker',
    broker.url,
    '--device',
    'd9',
    '--data-dir',
    t.testdir(),
    '--log-level',
    'silent',
  ];
  const device = spawn(process.execPath, [PROGRAMS.edgemux, ...args], { stdio: 'inherit' });
  const exit = new Promise((resolve) => device.once('exit', resolve));
  t.ok(await outside.until(() => statuses.includes('online')));
  await outside.untilState(() => true);
  for (let index = 0; index < 5; index += 1) await outside.publishFrame(`cam-${index}`, await jpegOf(index));
  await outside.untilResults(1);
  device.kill('SIGTERM');
  t.equal(await exit, 0);
  t.ok(await outside.until(() => statuses.at(-1) === 'offline'));
  const { admitted, results, drops } = outside.state!.counters;
  t.equal(
    results + Object.values(drops).reduce((sum, n) => sum + n, 0),
    admitted,
    'every admitted frame has an end',
  );
  t.equal(outside.results.length, results, 'and every result was delivered');
});
