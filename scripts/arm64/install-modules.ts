/**
 * Dependencies for linux/arm64 from the registry, better-sqlite3 built by a cross compiler. i2c-bus is not built:
 * emulation knows no I2C, and the daemon runs without it.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

export const COMPILER = 'aarch64-linux-gnu-g++';

/**
 * Fills `folder/node_modules`. Runs in the checkout.
 *
 * @param headers a Node.js for arm64, with its `include`
 * @throws Error where npm or the compiler fails
 */
export function installModules(folder: string, headers: string, say: (text: string) => void): void {
  say('installing dependencies for linux/arm64 (once)');
  mkdirSync(folder, { recursive: true });
  for (const file of ['package.json', 'npm-shrinkwrap.json', '.npmrc'])
    copyFileSync(file, join(folder, file));
  const flags = ['--omit=dev', '--cpu=arm64', '--os=linux', '--libc=glibc', '--ignore-scripts'];
  execFileSync('npm', ['ci', '--silent', ...flags], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  say('building better-sqlite3 for arm64, unoptimised (once)');
  buildSqlite(join(folder, 'node_modules/better-sqlite3'), headers);
}

function buildSqlite(folder: string, headers: string): void {
  const global = execFileSync('npm', ['root', '-g'], { encoding: 'utf8' }).trim();
  const nodeGyp = join(global, 'npm/node_modules/node-gyp/bin/node-gyp.js');
  const tools = { CC: 'aarch64-linux-gnu-gcc', CXX: COMPILER, AR: 'aarch64-linux-gnu-ar' };
  const flags = ['--debug', '--arch=arm64', `--nodedir=${headers}`];
  execFileSync(process.execPath, [nodeGyp, 'rebuild', '--silent', ...flags], {
    cwd: folder,
    env: { ...process.env, ...tools },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
