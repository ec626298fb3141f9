/**
 * Starts the trainer: finds a Python that has torch, passes the arguments on and forwards the exit code and signals.
 */
import { spawn, spawnSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's root, seen from dist/scripts/train/run.js. */
const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

const REMEDY = `train: no Python with torch found.
  Debian/Ubuntu:  sudo apt-get install python3-torch python3-onnx python3-numpy python3-pil
  elsewhere:      python3 -m pip install torch onnx numpy pillow
  or name one:    EDGEMUX_PYTHON=/path/to/python npm run train -- --config smoke`;

/** Interpreters in the order they are tried. */
export function candidates(env: NodeJS.ProcessEnv): string[] {
  const named = env['EDGEMUX_PYTHON'];
  return named !== undefined && named !== '' ? [named] : ['/usr/bin/python3', 'python3', 'python'];
}

/** True if `python` starts and has torch. */
export function hasTorch(python: string): boolean {
  const code = 'import importlib.util as u, sys; sys.exit(u.find_spec("torch") is None)';
  return spawnSync(python, ['-c', code], { stdio: 'ignore', timeout: 20_000 }).status === 0;
}

/** `--script NAME` as the first arguments runs another script of this folder than the trainer. */
export function scriptOf(args: readonly string[]): { script: string; rest: readonly string[] } {
  const named = args[0] === '--script' ? args[1] : undefined;
  return named === undefined ? { script: 'train.py', rest: args } : { script: named, rest: args.slice(2) };
}

/** Runs the trainer to its end; resolves to its exit code (128 + n for signal n, as in a shell). */
export function run(python: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const { script, rest } = scriptOf(args);
    const path = join(ROOT, 'scripts', 'train', script);
    const child = spawn(python, [path, ...rest], { stdio: 'inherit' });
    // A terminal sends Ctrl-C to the child too: then we only wait for its end, so as not to interrupt it twice.
    process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
    process.on('SIGTERM', () => child.kill('SIGTERM'));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
}

async function main(): Promise<void> {
  const tried = candidates(process.env);
  const python = tried.find(hasTorch);
  if (python === undefined) {
    process.stderr.write(`${REMEDY}\n  tried:          ${tried.join(', ')}\n`);
    process.exitCode = 1;
    return;
  }
  process.exitCode = await run(python, process.argv.slice(2));
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await main();
}
