/**
 * `npm run arm64`: the daemon as linux/arm64 (emulated), with broker and server outside, against the one of this
 * machine: the same decisions on the golden frames, on the shipped binding and on that of JetPack 4.6. Before that
 * every network that device and server load gives its golden answers there. Emulation says nothing about speed.
 *
 * Exit code 1 where anything differs; 0 with the reason where a tool is missing.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startEmbeddedBroker } from '../../lab/demo/broker.js';
import { cloudConfigSchema } from '../../cloud-stub/config.js';
import { CloudServer } from '../../cloud-stub/server.js';
import { silentLog } from '../../common/log.js';
import { goldenDecisions, type Decision } from '../../test/support/golden-decisions.js';
import { missing, prepareStage } from './stage.js';

const RIG = resolve('../shared/rigs/arm64-smoke.sh');
const ZOO = resolve('models/fashion-mnist');
const BINDINGS = { '1.22.0-rev': '', '1.11.0': resolve('node_modules/onnxruntime-node-1.11') };
/** Float32 sums in the order of another processor. */
const TOLERANCE = 1e-4;
/** The server runs no batches here, which take minutes in emulation. */
const QUICK = { EDGEMUX_CLOUD_BATCHING_SIZES: '[1]', EDGEMUX_CLOUD_INFERENCE_WARMUP_RUNS: '3' };
/** An emulated program takes half a minute to start on a busy machine. */
const PATIENCE_MS = 300_000;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** `doctor` of both programs, without a broker: hashes, native modules, golden answers. */
function examine(stage: string, binding: string): boolean {
  return ['agent', 'cloud-stub'].every((program) => {
    const main = join(stage, `dist/${program}/main.js`);
    const args = [RIG, main, 'doctor', '--json', '--skip', 'broker', '--provider', 'cpu'];
    const env = { ...process.env, ...QUICK, EDGEMUX_ORT: binding };
    const done = spawnSync('bash', args, { encoding: 'utf8', env, cwd: stage });
    const checks =
      /"id": "(binding|modules|zoo|provider|golden)",[^}]*"status": "(\w+)",\s+"detail": "([^"]*)"/g;
    const found = [...done.stdout.matchAll(checks)];
    for (const [, id, status, detail] of found) say(`  ${program} ${id}: ${status}, ${detail}`);
    const passed = found.length === 5 && found.every(([, , status]) => status === 'pass');
    if (!passed) say(`  ${program}: exit code ${done.status} ${done.stderr.slice(-1000)}`);
    return done.status === 0 && passed;
  });
}

function difference(a: readonly Decision[], b: readonly Decision[]): string | null {
  if (a.length !== b.length) return `${a.length} decisions against ${b.length}`;
  const at = a.findIndex((one, i) => {
    const other = b[i];
    const near = (['muxScore', 'confidence'] as const).every(
      (name) => Math.abs((one[name] ?? -1) - (other?.[name] ?? -1)) < TOLERANCE,
    );
    return !near || (['route', 'reason', 'label'] as const).some((name) => one[name] !== other?.[name]);
  });
  return at < 0 ? null : `frame ${at}: ${JSON.stringify(a[at])} against ${JSON.stringify(b[at])}`;
}

async function compare(stage: string, folder: string, brokerUrl: string): Promise<boolean> {
  const common = { brokerUrl, zooDir: ZOO, patienceMs: PATIENCE_MS };
  const local = [process.execPath, 'dist/agent/main.js'];
  const emulated = ['bash', RIG, join(stage, 'dist/agent/main.js')];
  const decide = async (device: string, command: string[], binding: string): Promise<Decision[]> => {
    const dataDir = join(folder, device);
    const { decisions, state } = await goldenDecisions({
      ...common,
      command,
      device,
      dataDir,
      env: { EDGEMUX_ORT: binding },
    });
    const routes = decisions.map(({ route }) => route);
    const counts = [...new Set(routes)].map(
      (route) => `${routes.filter((one) => one === route).length} ${route}`,
    );
    say(
      `${device} (${String(state.host['arch'])}, onnxruntime-node ${String(state.host['onnxruntime'])}): ${counts.join(', ')}`,
    );
    return decisions;
  };
  const wanted = await decide('here', local, '');
  let same = true;
  for (const [version, binding] of Object.entries(BINDINGS)) {
    say(`golden answers, arm64, onnxruntime-node ${version}`);
    same = examine(stage, binding) && same;
    const found = await decide(`arm64-${version.replaceAll('.', '-')}`, emulated, binding);
    const problem = difference(wanted, found);
    say(
      problem === null
        ? `  ${found.length} of ${wanted.length} decisions are the same`
        : `  DIFFERENT: ${problem}`,
    );
    same = same && problem === null;
  }
  return same;
}

const lacks = missing(RIG);
if (lacks !== null) say(`arm64: skipped: ${lacks}`);
else {
  const folder = mkdtempSync(join(tmpdir(), 'edgemux-arm64-'));
  const broker = await startEmbeddedBroker();
  const config = { server: 's1', broker: { url: broker.url }, inference: { providers: ['cpu'] }, zoo: ZOO };
  const server = new CloudServer({ log: silentLog() }, cloudConfigSchema.parse(config));
  try {
    const stage = prepareStage(RIG, say);
    await server.start();
    process.exitCode = (await compare(stage, folder, broker.url)) ? 0 : 1;
  } finally {
    await server.stop();
    await broker.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
