/** `edgemux doctor` as a whole, on this machine: no GPU, no rails, real brokers, the real zoo. */
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { freePort, startAedes, startMosquitto, withoutMosquitto } from '../../support/broker.js';
import { startServer } from '../../support/system.js';
import { deviceDoctor, serverDoctor } from './support.js';

const cudaIsHere = false; // the shipped binding has no CUDA library beside it

t.test('with a broker and a server all works, and a GPU that is not there is no pass', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  await startServer(t, broker.url, 's1');
  const flags = { 'broker.url': broker.url, device: 'd1', dataDir: join(t.testdir(), 'data') };
  const { code, checks, statuses } = await deviceDoctor({ flags });
  t.equal(code, 0, JSON.stringify(checks, null, 1));
  for (const id of ['config', 'node', 'binding', 'modules', 'disk', 'data-dir', 'zoo', 'broker', 'server'])
    t.equal(statuses[id], 'pass', id);
  t.match(checks['mqtt-version'], { status: 'pass', detail: /3\.1\.1/ }, 'aedes has no MQTT 5');
  t.match(checks['shared-sub'], { detail: /deliver nothing/ }, 'and swallows $share');
  t.match(checks['server'], { detail: /s1 for zoo fashion-mnist/ });
  t.match(checks['golden'], { status: 'pass', detail: /33 images.* on cpu/ });
  t.match(checks['rails'], { status: 'warn', remedy: /power scan/ });
  if (!cudaIsHere) {
    t.match(checks['provider'], {
      status: 'warn',
      detail: /cuda does not work: .+ cpu computed/,
      remedy: /cuda/,
    });
    t.match(checks['gpu-load'], { status: 'skip', detail: /on the CPU/ });
  }
  for (const { id, status, remedy } of Object.values(checks))
    t.equal(remedy !== null, status === 'warn' || status === 'fail', `${id}: a remedy where one is needed`);
});

t.test('a provider that must be there and is not fails', { skip: cudaIsHere }, async (t) => {
  const flags = { 'inference.providers': ['cuda'], dataDir: t.testdirName };
  const { code, checks, statuses } = await deviceDoctor({ flags, skipped: ['broker'] });
  t.equal(code, 1);
  t.match(checks['provider'], { status: 'fail', detail: /cuda/, remedy: /CPU/ });
  t.match(statuses, { golden: 'skip', 'gpu-load': 'skip' });
});

t.test(
  'without a broker that fails and what depends on it is skipped; --skip broker leaves it out',
  async (t) => {
    const flags = {
      'broker.url': `mqtt://127.0.0.1:${await freePort()}`,
      dataDir: t.testdirName,
      'inference.providers': ['cpu'],
    };
    const { code, checks, statuses } = await deviceDoctor({ flags });
    t.equal(code, 1);
    t.match(checks['broker'], { status: 'fail', detail: /nothing listens/, remedy: /start the broker/ });
    const owed = ['mqtt-version', 'message-size', 'round-trip', 'shared-sub', 'server'];
    for (const id of owed) t.equal(statuses[id], 'skip', id);
    t.equal(statuses['provider'], 'pass');
    const without = await deviceDoctor({ flags, skipped: ['broker'] });
    t.equal(without.code, 0);
    t.match(without.checks['server'], { status: 'skip', detail: /--skip/ });
  },
);

function zooCopy(t: Test): { dir: string; file: (name: string) => string } {
  const dir = join(t.testdir(), 'zoo');
  cpSync('models/fashion-mnist', dir, { recursive: true });
  return { dir, file: (name) => join(dir, name) };
}

t.test('a zoo with a changed file fails, and nothing of it is believed', async (t) => {
  const zoo = zooCopy(t);
  const bytes = readFileSync(zoo.file('local.onnx'));
  bytes[bytes.length - 100]! ^= 1;
  writeFileSync(zoo.file('local.onnx'), bytes);
  const { code, checks } = await deviceDoctor({ flags: { zoo: zoo.dir }, skipped: ['broker'] });
  t.equal(code, 1);
  t.match(checks['zoo'], { status: 'fail', detail: /local\.onnx.*sha256.*\[ZOO_CHANGED\]/, remedy: /again/ });
  for (const id of ['provider', 'gpu-load', 'golden'])
    t.match(checks[id], { status: 'skip', detail: /zoo failed/ }, id);
});

t.test('networks that answer something else than the golden answers fail', async (t) => {
  const zoo = zooCopy(t);
  const golden = readFileSync(zoo.file('golden.json'), 'utf8');
  const parsed = JSON.parse(golden) as { images: { mux: { score: number } }[] };
  parsed.images[3]!.mux.score += 0.01;
  const text = JSON.stringify(parsed);
  writeFileSync(zoo.file('golden.json'), text);
  const manifest = JSON.parse(readFileSync(zoo.file('manifest.json'), 'utf8')) as { golden: object };
  const sha256 = createHash('sha256').update(text).digest('hex');
  manifest.golden = { ...manifest.golden, sha256, bytes: Buffer.byteLength(text) };
  writeFileSync(zoo.file('manifest.json'), JSON.stringify(manifest));
  const flags = { zoo: zoo.dir, 'inference.providers': ['cpu'] };
  const { code, checks } = await deviceDoctor({ flags, skipped: ['broker'] });
  t.equal(code, 1);
  t.equal(checks['zoo']?.status, 'pass');
  t.match(checks['golden'], { status: 'fail', detail: /the mux on golden image .*0\.010 off on cpu/ });
});

t.test('a broken configuration fails as a check, and what depends on none is still looked at', async (t) => {
  const file = join(t.testdir(), 'site.yaml');
  writeFileSync(file, 'broker:\n  ulr: mqtt://127.0.0.1\n');
  const { code, checks, statuses } = await deviceDoctor({
    flags: {},
    configFile: file,
    skipped: ['broker'],
  });
  t.equal(code, 1);
  t.match(checks['config'], {
    status: 'fail',
    detail: /broker\.ulr.*broker\.url/,
    remedy: /docs\/configuration/,
  });
  t.match(statuses, { node: 'pass', binding: 'pass', modules: 'pass' });
});

t.test('the server has a doctor of its own: every model of the group, and $share', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const { code, checks } = await serverDoctor({
    flags: { 'broker.url': broker.url, 'inference.providers': ['cpu'], 'share.enabled': true },
  });
  t.equal(code, 0);
  t.match(checks['shared-sub'], { status: 'warn', remedy: /mosquitto/ });
  t.match(checks['golden'], { status: 'pass', detail: /33 images/ });
});

t.test(
  'mosquitto: MQTT 5, $share, limits and packets that are held back',
  { skip: withoutMosquitto() },
  async (t) => {
    const broker = await startMosquitto({ lines: ['max_packet_size 2000000', 'set_tcp_nodelay false'] });
    t.teardown(() => broker.stop());
    const flags = { 'broker.url': broker.url, 'inference.providers': ['cpu'] };
    const { code, checks } = await serverDoctor({ flags, skipped: ['provider'] });
    t.equal(code, 0);
    t.match(checks['mqtt-version'], { status: 'pass', detail: '5' });
    t.match(checks['shared-sub'], { status: 'pass' });
    t.match(checks['message-size'], {
      status: 'warn',
      detail: /takes 2000000 bytes/,
      remedy: /images\.maxBytes/,
    });
    t.match(checks['round-trip'], { status: 'warn', remedy: /set_tcp_nodelay true/ });
  },
);

t.test('the command line: exit codes, JSON alone on standard output, unknown checks refused', async (t) => {
  const call = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, ['dist/agent/main.js', 'doctor', ...args], { encoding: 'utf8' });
  const port = await freePort();
  const broken = call(
    '--json',
    '--broker',
    `mqtt://127.0.0.1:${port}`,
    '--provider',
    'cpu',
    '--data-dir',
    t.testdir(),
  );
  t.equal(broken.status, 1);
  const { checks } = JSON.parse(broken.stdout) as { checks: object[] };
  t.same(Object.keys(checks[0] ?? {}), ['id', 'name', 'status', 'detail', 'remedy']);
  const fine = call('--skip', 'broker', '--provider', 'cpu', '--data-dir', t.testdir());
  t.equal(fine.status, 0, fine.stdout);
  t.match(fine.stdout, /pass golden/);
  t.match(call('--skip', 'brokr'), { status: 2, stderr: /brokr.*broker/s });
});
