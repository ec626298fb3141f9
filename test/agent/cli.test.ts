import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startAedes } from '../support/broker.js';
import { jpegOf, Outside } from '../support/system.js';

const PROGRAMS = { edgemux: 'dist/agent/main.js', 'edgemux-cloud': 'dist/cloud-stub/main.js' } as const;

function call(
  program: keyof typeof PROGRAMS,
  ...args: string[]
): { code: number | null; out: string; err: string } {
  const done = spawnSync(process.execPath, [PROGRAMS[program], ...args], { encoding: 'utf8' });
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

  t.test(`${program} refuses what it does not know with exit code 2`, async (t) => {
    t.match(call(program), { code: 2, err: /name a command/ });
    t.match(call(program, 'rum'), { code: 2, err: /Did you mean run\?/ });
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
