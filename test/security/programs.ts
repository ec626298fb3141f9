/** Device and server as programs of their own, as they are started in real life. */
import { spawn } from 'node:child_process';
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';

const MAINS = {
  device: fileURLToPath(new URL('../../agent/main.js', import.meta.url)),
  server: fileURLToPath(new URL('../../cloud-stub/main.js', import.meta.url)),
};

export interface Program {
  pid: number;
  /** All that it has logged, at level trace. */
  log(): string;
  stop(): Promise<number | null>;
}

/** Starts a program with a configuration file and all that it has to say; killed at teardown. */
export function startProgram(t: Test, kind: keyof typeof MAINS, config: object): Program {
  const [file, logFile] = ['yaml', 'log'].map((end) => join(t.testdirName, `${kind}.${end}`)) as [
    string,
    string,
  ];
  const all = { ...config, inference: { providers: ['cpu'], threads: 1 }, log: { level: 'trace' } };
  writeFileSync(file, JSON.stringify(all)); // JSON is YAML
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(EDGEMUX|TAP|NODE_OPTIONS|CREDENTIALS)/.test(name)),
  );
  const out = openSync(logFile, 'w');
  const child = spawn(process.execPath, [MAINS[kind], 'run', '--config', file], {
    stdio: ['ignore', out, out],
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
  return {
    pid: child.pid ?? NaN,
    log: () => readFileSync(logFile, 'utf8'),
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}
