import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { agentConfigSchema } from '../../agent/config.js';
import { cloudConfigSchema } from '../../cloud-stub/config.js';
import { ALLOCATOR } from '../../common/host/allocator.js';
import { loadConfig } from '../../common/config/load.js';
import { install, smallPackage } from '../support/installation.js';

/** False where the program is new enough, else why a test is skipped. */
function without(program: string, leastVersion: number): string | false {
  const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  const version = Number(/(\d+)\.?\d*/.exec(stdout ?? '')?.[1] ?? -1);
  return version >= leastVersion ? false : `${program} ${leastVersion} or newer is not installed`;
}

const UNITS = readdirSync('systemd').filter((name) => name.endsWith('.service'));

/**
 * Directives of our units and the systemd version that brought them (its NEWS file; 183: that or older). JetPack 4.6 has
 * systemd 237.
 */
const SINCE: Record<string, number> = {
  ...Object.fromEntries(
    [
      ...[
        'Description',
        'Documentation',
        'Wants',
        'After',
        'Before',
        'ConditionPathExists',
        'WantedBy',
        'Type',
      ],
      ...[
        'NotifyAccess',
        'WatchdogSec',
        'TimeoutStartSec',
        'TimeoutStopSec',
        'ExecStart',
        'ExecStop',
        'ExecReload',
      ],
      ...[
        'KillMode',
        'Restart',
        'RestartSec',
        'RestartPreventExitStatus',
        'User',
        'Group',
        'SupplementaryGroups',
      ],
      ...['UMask', 'WorkingDirectory', 'Environment', 'EnvironmentFile', 'DevicePolicy', 'DeviceAllow'],
      ...['CapabilityBoundingSet', 'PrivateTmp', 'SyslogIdentifier', 'RemainAfterExit', 'SystemCallFilter'],
    ].map((name) => [name, 209]),
  ),
  NoNewPrivileges: 209,
  SystemCallArchitectures: 209,
  SystemCallErrorNumber: 209,
  RestrictAddressFamilies: 211,
  RemoveIPC: 212,
  ProtectHome: 214,
  ProtectSystem: 214,
  AmbientCapabilities: 229,
  StartLimitIntervalSec: 230,
  StartLimitBurst: 230,
  RestrictRealtime: 231,
  ProtectKernelTunables: 232,
  ProtectKernelModules: 232,
  ProtectControlGroups: 232,
  RestrictNamespaces: 233,
  StateDirectory: 235,
  StateDirectoryMode: 235,
  CacheDirectory: 235,
  CacheDirectoryMode: 235,
  KeyringMode: 235,
  LockPersonality: 235,
  PrivateMounts: 239,
  ProtectHostname: 242,
  RestrictSUIDSGID: 242,
  ProtectKernelLogs: 244,
  ProtectClock: 245,
  ProtectProc: 247,
  ProcSubset: 247,
  LoadCredential: 247,
};

function directives(path: string): string[] {
  return [...readFileSync(path, 'utf8').matchAll(/^([A-Za-z]+)=/gm)].map(([, name = '']) => name);
}

t.test('units know nothing newer than systemd 237, drop-ins nothing newer than 247', async (t) => {
  for (const unit of UNITS) {
    for (const name of directives(join('systemd', unit)))
      t.ok((SINCE[name] ?? 999) <= 237, `${unit}: ${name}`);
  }
  for (const folder of ['edgemux.service.d', 'edgemux-cloud.service.d']) {
    for (const file of readdirSync(join('systemd', folder))) {
      const path = join('systemd', folder, file);
      for (const name of directives(path)) t.ok((SINCE[name] ?? 999) <= 247, `${path}: ${name}`);
    }
  }
});

t.test('what would break V8, CUDA or the sensors is not among the hardening', async (t) => {
  const text = ['edgemux.service', 'edgemux-cloud.service', 'edgemux.service.d/hardening.conf']
    .map((name) => readFileSync(join('systemd', name), 'utf8'))
    .join('\n');
  for (const name of ['MemoryDenyWriteExecute', 'PrivateDevices', 'PrivateUsers', 'PrivateNetwork'])
    t.notMatch(text, new RegExp(`^${name}=`, 'm'), name);
});

t.test('example configurations are valid, and say what the daemon takes them for', async (t) => {
  const device = loadConfig(agentConfigSchema, {
    file: 'systemd/device.yaml',
    env: {},
    envPrefix: 'EDGEMUX',
    flags: {},
  });
  t.equal(device.dataDir, '/var/lib/edgemux');
  t.same(device.inference.providers, ['cuda', 'cpu']);
  const server = loadConfig(cloudConfigSchema, {
    file: 'systemd/server.yaml',
    env: {},
    envPrefix: 'EDGEMUX_CLOUD',
    flags: {},
  });
  t.same(server.batching.sizes, [1, 2, 4, 8, 16]);
});

t.test('systemd rates the units as the page says', { skip: without('systemd-analyze', 250) }, async (t) => {
  const folder = t.testdir();
  const root = join(folder, 'root');
  mkdirSync(join(root, 'usr/bin'), { recursive: true });
  const none = join(folder, 'none');
  mkdirSync(none);
  for (const role of ['device', 'server'] as const) {
    const args = ['--tarball', smallPackage(folder, '1.0.0', 0), '--modules', none];
    t.equal(install(role, root, args).code, 0);
  }
  const exposure = (unit: string, threshold: number) =>
    spawnSync(
      'systemd-analyze',
      ['security', '--no-pager', '--offline=yes', `--root=${root}`, `--threshold=${threshold}`, unit],
      { encoding: 'utf8' },
    );
  const page = readFileSync('docs/operations.md', 'utf8');
  for (const unit of ['edgemux.service', 'edgemux-cloud.service']) {
    const figure = /exposure level for [^ ]+: ([0-9.]+)/.exec(exposure(unit, 100).stdout)?.[1] ?? '';
    t.ok(Number(figure) <= 2, `${unit}: ${figure}`);
    t.match(page, `\`${unit}\`: ${figure}`, 'and the page says so');
  }
});

t.test('shellcheck finds nothing in the scripts', { skip: without('shellcheck', 0) }, async (t) => {
  const scripts = [
    ...['scripts/install-device.sh', 'scripts/install-server.sh', 'scripts/try-systemd.sh'],
    ...['scripts/try-systemd/boot.sh', 'scripts/try-systemd/trial.sh'],
    ...['systemd/edgemux-clocks', 'systemd/edgemux-rails'],
    ...readdirSync('scripts/jetpack')
      .filter((name) => name.endsWith('.sh'))
      .map((name) => join('scripts/jetpack', name)),
  ];
  const found = spawnSync('shellcheck', ['-x', '-P', 'SCRIPTDIR', ...scripts], { encoding: 'utf8' });
  t.equal(found.stdout, '');
});

void t.test('the services keep memory as the demo, the faults and the benchmarks do', (t) => {
  for (const unit of ['edgemux.service', 'edgemux-cloud.service']) {
    const settings = [
      ...readFileSync(join('systemd', unit), 'utf8').matchAll(/^Environment=(.*)$/gm),
    ].flatMap(([, line = '']) => line.split(' '));
    for (const [name, value] of Object.entries(ALLOCATOR)) t.ok(settings.includes(`${name}=${value}`), unit);
  }
  t.end();
});
