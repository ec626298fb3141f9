import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';

/** Everything below a folder, links not followed: `path mode`, with the target of a link or the hash of a file. */
export function treeOf(root: string, below = ''): string[] {
  return readdirSync(join(root, below), { withFileTypes: true })
    .sort((a, b) => a.name.localeCompare(b.name))
    .flatMap((entry) => {
      const name = join(below, entry.name);
      const path = join(root, name);
      if (entry.isSymbolicLink()) return [`${name} -> ${readlinkSync(path)}`];
      const mode = (lstatSync(path).mode & 0o7777).toString(8);
      if (entry.isDirectory()) return [`${name}/ ${mode}`, ...treeOf(root, name)];
      return [`${name} ${mode} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`];
    });
}

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs `scripts/install-<role>.sh` in another root. */
export function install(role: 'device' | 'server', root: string, args: string[]): Outcome {
  const { status, stdout, stderr } = spawnSync(
    'bash',
    [`scripts/install-${role}.sh`, '--root', root, '--node', process.execPath, ...args],
    { encoding: 'utf8' },
  );
  return { code: status, stdout, stderr };
}

/** A folder of links to the installed dependencies: what `--modules` takes, without copying them. */
export function linkedModules(folder: string): string {
  const links = join(folder, 'node_modules');
  mkdirSync(links);
  for (const name of readdirSync('node_modules')) {
    if (!name.startsWith('.')) symlinkSync(resolve('node_modules', name), join(links, name));
  }
  return links;
}

/** The real package, as `npm pack` makes it. */
export function packed(folder: string): string {
  const args = ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder];
  const name = execFileSync('npm', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return join(folder, name.trim());
}

/** A package with the real units and a program that says its version and whose doctor ends with `doctorCode`. */
export function smallPackage(folder: string, version: string, doctorCode: number): string {
  const content = join(folder, version, 'package');
  mkdirSync(content, { recursive: true });
  cpSync('systemd', join(content, 'systemd'), { recursive: true });
  writeFileSync(join(content, 'package.json'), JSON.stringify({ name: 'edgemux', version, type: 'module' }));
  for (const program of ['agent', 'cloud-stub']) {
    mkdirSync(join(content, 'dist', program), { recursive: true });
    writeFileSync(
      join(content, 'dist', program, 'main.js'),
      `if (process.argv[2] === 'doctor') process.exit(${doctorCode}); console.log('${version}');`,
    );
  }
  const tarball = join(folder, `edgemux-${version}.tgz`);
  execFileSync('tar', ['-czf', tarball, '-C', join(folder, version), 'package']);
  return tarball;
}

/** A root with something in it already, as every system has. */
export function systemRoot(folder: string): string {
  const root = join(folder, 'root');
  for (const path of ['etc/systemd/system', 'usr/local/bin', 'var/lib'])
    mkdirSync(join(root, path), { recursive: true });
  writeFileSync(join(root, 'etc/systemd/system/other.service'), '[Unit]\n');
  return root;
}

/** A root, and small packages to install into it. */
export function workshop(t: { testdir: () => string }) {
  const folder = t.testdir();
  const modules = join(folder, 'none');
  mkdirSync(modules);
  const root = systemRoot(folder);
  const before = treeOf(root);
  const packages = new Map<string, string>();
  return {
    folder,
    root,
    before,
    package: (version: string, doctorCode = 0) => {
      const made = packages.get(version) ?? smallPackage(folder, version, doctorCode);
      packages.set(version, made);
      return ['--tarball', made, '--modules', modules];
    },
    /** What a version in use says, through the link that a service runs it by. */
    running: () =>
      spawnSync(join(root, 'opt/edgemux/bin/node'), [
        join(root, 'opt/edgemux/current/lib/node_modules/edgemux/dist/agent/main.js'),
      ]).stdout.toString(),
  };
}
