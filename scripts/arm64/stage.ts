/**
 * A folder with the package as an arm64 device has it: dependencies for linux/arm64 from the registry, better-sqlite3
 * built by a cross compiler. i2c-bus is not built: emulation knows no I2C, and the daemon runs without it.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const CACHE = process.env['ARM64_CACHE'] ?? join(homedir(), '.cache/arm64-smoke');
const COMPILER = 'aarch64-linux-gnu-g++';
/** Compiled code, and what the daemon reads at run time. */
const PACKAGE = ['dist', 'models'];

/** What is missing on this machine; null where nothing is. */
export function missing(rig: string): string | null {
  if (!existsSync(rig)) return `${rig} is not there`;
  try {
    execFileSync(COMPILER, ['--version'], { stdio: 'ignore' });
    return null;
  } catch {
    return `${COMPILER} is not installed (Debian: g++-aarch64-linux-gnu)`;
  }
}

/** Makes the folder, or brings the one of the last run up to date. @returns its path */
export function prepareStage(rig: string, say: (text: string) => void): string {
  const lock = createHash('sha256').update(readFileSync('package-lock.json')).digest('hex').slice(0, 16);
  const folder = join(CACHE, `edgemux-${lock}`);
  const done = join(folder, 'node_modules/.arm64-ready');
  if (!existsSync(done)) {
    say('downloading an arm64 Node.js and C library (once)');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'version.cjs'), 'process.stdout.write(process.arch)');
    const arch = execFileSync('bash', [rig, join(folder, 'version.cjs')], { encoding: 'utf8' });
    if (!arch.endsWith('arm64')) throw new Error(`${rig} runs ${arch}`);
    say('installing dependencies for linux/arm64 (once)');
    for (const file of ['package.json', 'package-lock.json', '.npmrc'])
      copyFileSync(file, join(folder, file));
    const flags = ['--omit=dev', '--cpu=arm64', '--os=linux', '--libc=glibc', '--ignore-scripts'];
    execFileSync('npm', ['ci', '--silent', ...flags], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    say('building better-sqlite3 for arm64, unoptimised (once)');
    buildSqlite(join(folder, 'node_modules/better-sqlite3'));
    writeFileSync(done, '');
  }
  for (const part of PACKAGE) {
    rmSync(join(folder, part), { recursive: true, force: true });
    cpSync(part, join(folder, part), { recursive: true });
  }
  return folder;
}

/** The headers come with the arm64 Node.js of the rig. */
function buildSqlite(folder: string): void {
  const global = execFileSync('npm', ['root', '-g'], { encoding: 'utf8' }).trim();
  const nodeGyp = join(global, 'npm/node_modules/node-gyp/bin/node-gyp.js');
  const tools = { CC: 'aarch64-linux-gnu-gcc', CXX: COMPILER, AR: 'aarch64-linux-gnu-ar' };
  const flags = ['--debug', '--arch=arm64', `--nodedir=${join(CACHE, 'package')}`];
  execFileSync(process.execPath, [nodeGyp, 'rebuild', '--silent', ...flags], {
    cwd: folder,
    env: { ...process.env, ...tools },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
