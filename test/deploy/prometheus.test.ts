/** A real Prometheus with the configuration, alerts and dashboards of deploy/, and the commands of docs/prometheus.md as they stand. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { findProgram, freePort, startAedes } from '../support/broker.js';
import { jpegOf } from '../support/system.js';
import { until } from '../support/until.js';
import { startServed } from '../http/support/served.js';

const missing = ['prometheus', 'promtool', 'curl'].filter((name) => findProgram(name) === null);
const skip = missing.length === 0 ? false : `not installed: ${missing.join(', ')} (Debian: prometheus, curl)`;
const patience = { skip, timeout: 900_000 };

/** A copy of deploy/ that looks at our ports, and soon. */
function deployed(folder: string, ports: { device: number; server: number }): string {
  const copy = join(folder, 'deploy');
  cpSync('deploy', copy, { recursive: true });
  const file = join(copy, 'prometheus', 'prometheus.yml');
  const text = readFileSync(file, 'utf8')
    .replace('127.0.0.1:8090', `127.0.0.1:${ports.device}`)
    .replace('127.0.0.1:8091', `127.0.0.1:${ports.server}`)
    .replace('scrape_interval: 15s', 'scrape_interval: 1s');
  writeFileSync(file, text);
  return copy;
}

interface Found {
  status: string;
  error?: string;
  data?: { result: { metric: Record<string, string>; value: [number, string] }[] };
}

t.test(
  'the alerts are rules that promtool takes, and fire when they should and not before',
  { skip },
  async (t) => {
    const folder = t.testdir();
    cpSync('deploy/prometheus/alerts.yml', join(folder, 'alerts.yml'));
    cpSync('test/deploy/support/alerts-test.yml', join(folder, 'test.yml'));
    for (const args of [
      ['check', 'rules', 'alerts.yml'],
      ['test', 'rules', 'test.yml'],
    ]) {
      const { status, stderr, stdout } = spawnSync('promtool', args, { cwd: folder, encoding: 'utf8' });
      t.equal(status, 0, `${stdout}${stderr}`);
    }
  },
);

t.test(
  'Prometheus scrapes a device and a server, and answers every query of the dashboards',
  patience,
  async (t) => {
    const { outside, device, server } = await startServed(t, { device: { policy: { mode: 'cloud-only' } } });
    await outside.publishFrame('door', await jpegOf(0));
    await outside.untilResults(1);
    const folder = join(t.testdirName, 'prometheus');
    const copy = deployed(folder, { device: device.port, server: server.port });
    const port = await freePort();
    const prometheus = spawn(
      findProgram('prometheus') ?? '',
      [
        `--config.file=${join(copy, 'prometheus', 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let said = '';
    prometheus.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const ended = new Promise((resolve) => prometheus.once('exit', resolve));
    t.teardown(async () => {
      prometheus.kill('SIGTERM');
      await ended;
    });
    const query = async (expr: string): Promise<Found> => {
      const url = `http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(expr)}`;
      // it is not there, or answers 503 in words, until it has read its configuration
      return fetch(url)
        .then((response) => response.json() as Promise<Found>)
        .catch((error: unknown) => ({ status: 'error', error: String(error) }));
    };
    const valueOf = async (expr: string): Promise<string | undefined> =>
      (await query(expr)).data?.result[0]?.value[1];

    await until(
      `both are up: ${said}`,
      async () => (await valueOf('sum(up{job=~"edgemux.*"})')) === '2',
      300_000,
    );
    await until(
      'its own count of results',
      async () => (await valueOf('sum(edgemux_results_total)')) === '1',
      300_000,
    );
    t.equal(await valueOf('edgemux_results_total{route="cloud"}'), '1');
    t.equal(await valueOf('edgemux_cloud_answers_total'), '1');
    t.equal(await valueOf('count(edgemux_build_info)'), '1');

    for (const name of readdirSync('deploy/grafana')) {
      const board = JSON.parse(readFileSync(join('deploy/grafana', name), 'utf8')) as {
        panels: { title: string; targets: { expr: string }[] }[];
      };
      t.ok(board.panels.length > 5, name);
      for (const { targets, title } of board.panels)
        for (const { expr } of targets) {
          const plain = expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*');
          t.match(await query(plain), { status: 'success' }, `${name}, ${title}: ${plain}`);
        }
    }
    t.notMatch(said, /level=(error|warn)/);
  },
);

t.test('the commands of docs/prometheus.md do what the page says', patience, async (t) => {
  const folder = t.testdir();
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const ports = { device: await freePort(), server: await freePort(), prometheus: await freePort() };
  deployed(folder, ports);
  mkdirSync(join(folder, 'bin'));
  for (const [name, main] of Object.entries({ edgemux: 'agent', 'edgemux-cloud': 'cloud-stub' })) {
    const program = join(folder, 'bin', name);
    writeFileSync(program, `#!/bin/sh\nexec ${process.execPath} ${resolve('dist', main, 'main.js')} "$@"\n`);
    chmodSync(program, 0o755);
  }
  const page = readFileSync('docs/prometheus.md', 'utf8');
  const blocks = [...page.matchAll(/```sh\n([^]*?)```/g)].map(([, block = '']) => block);
  t.equal(blocks.length, 4);
  const commands = blocks
    .join('# next\n')
    .replaceAll('127.0.0.1:1883', `127.0.0.1:${broker.port}`)
    .replaceAll('127.0.0.1:8090', `127.0.0.1:${ports.device}`)
    .replaceAll('127.0.0.1:8091', `127.0.0.1:${ports.server}`)
    .replaceAll('127.0.0.1:9090', `127.0.0.1:${ports.prometheus}`)
    .replace(/(edgemux-cloud run .*)--http-listen on/, `$1--http-listen ${ports.server}`)
    .replace(/(edgemux run .*)--http-listen on/, `$1--http-listen ${ports.device}`)
    // "after the first scrape (15 s)": a second here
    .replace('promtool query', `${scraped(ports.prometheus)}\npromtool query`);
  const script = `set -eu -o pipefail\ntrap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n${commands}`;
  const environment = Object.entries(process.env).filter(
    ([name]) => !/^(EDGEMUX|TAP|NODE_OPTIONS)/.test(name),
  );
  const PATH = `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}:/usr/bin`;
  const { status, stderr, stdout } = await run(script, folder, { ...Object.fromEntries(environment), PATH });
  t.equal(status, 0, stderr.slice(-3000));
  const tokens = [...stdout.matchAll(/^[\w-]{32}$/gm)].map(([token]) => token);
  t.equal(new Set(tokens).size, 2, 'a token, and another one');
  t.match(stdout, /"privacy":"strict"/);
  t.match(stdout, /SUCCESS: 13 rules found/);
  t.match(stdout, /\{\} => 2 /, 'both targets are up');
  t.match(stdout, /edgemux_policy_info\{.*privacy="strict".*\} => 1/);
});

function scraped(port: number): string {
  const ask = `promtool query instant http://127.0.0.1:${port} 'sum(up{job=~"edgemux.*"})'`;
  return `until ${ask} | grep -q '=> 2 '; do sleep 1; done`;
}

function run(
  script: string,
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const child = spawn('bash', ['-c', script], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((done) => child.once('close', (status) => done({ status, stdout, stderr })));
}

t.test('the names in the alerts and dashboards are names that are served', { skip }, async (t) => {
  const code = execFileSync('grep', ['-rhoE', "'(edgemux|process|nodejs)_[a-z_]+'", 'http'], {
    encoding: 'utf8',
  });
  const served = new Set(code.split('\n').map((name) => name.replaceAll("'", '')));
  const files = [
    'deploy/prometheus/alerts.yml',
    ...readdirSync('deploy/grafana').map((name) => join('deploy/grafana', name)),
    'docs/prometheus.md',
  ];
  for (const file of files)
    for (const [name] of readFileSync(file, 'utf8').matchAll(/\b(?:edgemux|nodejs|process)_[a-z_]+[a-z]\b/g))
      t.ok(served.has(name.replace(/_(bucket|sum|count)$/, '')), `${file}: ${name}`);
});
