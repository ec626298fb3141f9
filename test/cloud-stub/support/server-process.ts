/** A server as its own process, which a test may kill. */
import { spawn, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';

const MAIN = fileURLToPath(new URL('../../../cloud-stub/main.js', import.meta.url));

export interface ServerProcess {
  pid: number;
  /** Sends a signal. */
  signal(name: NodeJS.Signals): void;
  /** Resolves with the exit code, null after a signal. */
  ended: Promise<number | null>;
}

/** Starts `edgemux-cloud run`; whether it is there, its status says. Killed at teardown. */
export function startServerProcess(t: Test, url: string, server: string, config: object = {}): ServerProcess {
  const file = join(t.testdirName, `${server}.yaml`);
  const all = {
    server,
    broker: { url },
    inference: { providers: ['cpu'], threads: 1 },
    log: { level: 'warn' },
    report: { statusIntervalS: 0.2 },
    ...config,
  };
  writeFileSync(file, JSON.stringify(all)); // JSON is YAML
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(EDGEMUX|TAP|NODE_OPTIONS)/.test(name)),
  );
  const child: ChildProcess = spawn(process.execPath, [MAIN, 'run', '--config', file], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env,
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  t.teardown(async () => {
    process.off('exit', kill);
    kill();
    await ended;
  });
  return { pid: child.pid ?? NaN, signal: (name) => void child.kill(name), ended };
}
