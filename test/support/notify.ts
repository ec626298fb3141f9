import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Test } from 'tap';

/** A notice as the service manager gets it, with the process id that the kernel attests. */
export interface Heard {
  pid: number;
  fields: Record<string, string>;
}

/** Why notices cannot be listened to here, or false. */
export function withoutPython(): string | false {
  return spawnSync('python3', ['--version']).status === 0 ? false : 'python3 is not installed';
}

/** A service manager's socket at `address` (`@name`: an abstract one): what arrives there, until teardown. */
export async function listenForNotices(t: Test, address: string): Promise<Heard[]> {
  const listener = spawn('python3', ['test/fixtures/notify_listener.py', address], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => listener.kill());
  const heard: Heard[] = [];
  const lines = createInterface(listener.stdout);
  const failed = once(listener, 'exit').then(() => Promise.reject(new Error('nothing listens for notices')));
  await Promise.race([once(lines, 'line'), failed]);
  failed.catch(() => undefined);
  lines.on('line', (line) => heard.push(JSON.parse(line) as Heard));
  return heard;
}
