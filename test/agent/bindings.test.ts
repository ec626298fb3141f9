/** The same daemon on the oldest binding that we promise (JetPack 4.6's) and on the shipped one. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawnSync } from 'node:child_process';
import t from 'tap';
import { startAedes } from '../support/broker.js';
import { goldenDecisions, type Decision } from '../support/golden-decisions.js';
import { startServer } from '../support/system.js';

const MAIN = 'dist/agent/main.js';
/** Float32 sums of another release, in another order. */
const TOLERANCE = 1e-4;

t.test(
  'the daemon decides the golden frames alike on onnxruntime-node 1.11 and on the shipped one',
  async (t) => {
    const broker = await startAedes();
    t.teardown(() => broker.stop());
    await startServer(t, broker.url, 's1');
    const decide = (device: string, env: Record<string, string>) =>
      goldenDecisions({
        command: [process.execPath, MAIN],
        env,
        brokerUrl: broker.url,
        device,
        dataDir: join(t.testdirName, device),
        zooDir: 'models/fashion-mnist',
        patienceMs: 30_000,
      });
    t.testdir();
    const shipped = await decide('shipped', { EDGEMUX_ORT: '' });
    const oldest = await decide('oldest', { EDGEMUX_ORT: 'onnxruntime-node-1.11' });
    t.match(shipped.state.host, { onnxruntime: '1.22.0-rev' });
    t.match(oldest.state.host, { onnxruntime: '1.11.0' });
    t.ok(shipped.decisions.length >= 8);
    t.ok(new Set(shipped.decisions.map(({ route }) => route)).size > 1, 'more than one way occurs');
    shipped.decisions.forEach((ours, i) => same(ours, oldest.decisions[i], `golden frame ${i}`));
  },
);

function same(a: Decision, b: Decision | undefined, what: string): void {
  t.match(b, { route: a.route, reason: a.reason, label: a.label }, what);
  for (const name of ['muxScore', 'confidence'] as const) {
    const difference = Math.abs((a[name] ?? 0) - (b?.[name] ?? NaN));
    t.ok(difference < TOLERANCE, `${what}: ${name} differs by ${difference}`);
  }
}

const call = (EDGEMUX_ORT: string): { code: number | null; err: string } => {
  const done = spawnSync(process.execPath, [MAIN, 'run', '--provider', 'cpu'], {
    env: { ...process.env, EDGEMUX_ORT, EDGEMUX_DATA_DIR: t.testdirName },
    encoding: 'utf8',
  });
  return { code: done.status, err: done.stderr };
};

t.test(
  'a binding that is not there, or is none, ends the daemon with the variable and its value',
  async (t) => {
    t.match(call('onnxruntime-node-0.1'), {
      code: 1,
      err: /BINDING_UNUSABLE.*onnxruntime-node-0\.1.*EDGEMUX_ORT/,
    });
    t.match(call(fileURLToPath(new URL('../../../node_modules/zod', import.meta.url))), {
      code: 1,
      err: /BINDING_UNUSABLE.*zod.*not onnxruntime-node/,
    });
  },
);

t.test('a binding can be named by the path of its package', async (t) => {
  const code =
    "import('./dist/mux/inference/binding.js').then(({ binding }) => console.log(binding.version))";
  const done = spawnSync(process.execPath, ['-e', code], {
    env: { ...process.env, EDGEMUX_ORT: './node_modules/onnxruntime-node-1.11' },
    encoding: 'utf8',
  });
  t.equal(done.stdout.trim(), '1.11.0', done.stderr);
});

t.test('where two C libraries met, daemon and doctor name both and what to do', async (t) => {
  const loader =
    "/opt/node/glibc/libpthread.so.0: version `GLIBC_PRIVATE' not found (required by /lib/aarch64-linux-gnu/librt.so.1)";
  const name = 'onnxruntime-node';
  const folder = t.testdir({
    'package.json': JSON.stringify({ name, version: '1.22.0-rev', main: 'index.js' }),
    'index.js': `throw new Error(${JSON.stringify(loader)});`,
  });
  const cause = /librt\.so\.1 is not of the build of .*libpthread\.so\.0.*scripts\/jetpack\/node\.sh/;
  t.match(call(folder), { code: 1, err: cause });
  const args = [MAIN, 'doctor', '--json', '--skip', 'broker', '--provider', 'cpu'];
  const env = { ...process.env, EDGEMUX_ORT: folder, EDGEMUX_DATA_DIR: join(folder, 'data') };
  const done = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
  t.equal(done.status, 1, done.stderr);
  const { checks } = JSON.parse(done.stdout) as { checks: { id: string; [key: string]: unknown }[] };
  const binding = checks.find(({ id }) => id === 'binding');
  t.match(binding, { status: 'fail', detail: loader, remedy: cause });
});
