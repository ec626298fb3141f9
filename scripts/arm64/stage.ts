/** A folder with the package as an arm64 device has it. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { COMPILER, installModules } from './install-modules.js';

const CACHE = process.env['ARM64_CACHE'] ?? join(homedir(), '.cache/arm64-smoke');
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
  const lock = createHash('sha256').update(readFileSync('npm-shrinkwrap.json')).digest('hex').slice(0, 16);
  const folder = join(CACHE, `edgemux-${lock}`);
  const done = join(folder, 'node_modules/.arm64-ready');
  if (!existsSync(done)) {
    say('downloading an arm64 Node.js and C library (once)');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'version.cjs'), 'process.stdout.write(process.arch)');
    const arch = execFileSync('bash', [rig, join(folder, 'version.cjs')], { encoding: 'utf8' });
    if (!arch.endsWith('arm64')) throw new Error(`${rig} runs ${arch}`);
    installModules(folder, join(CACHE, 'package'), say);
    writeFileSync(done, '');
  }
  for (const part of PACKAGE) {
    rmSync(join(folder, part), { recursive: true, force: true });
    cpSync(part, join(folder, part), { recursive: true });
  }
  return folder;
}
