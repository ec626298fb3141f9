/** The server under test and the echo, as child processes, and what they cost by the kernel's own account. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EdgemuxError } from '../../../common/errors.js';
import type { Connection } from '../../../protocol/connection/connection.js';
import { parseServerPolicyReport } from '../../../protocol/messages.js';
import { Child } from '../child.js';

const SERVER = fileURLToPath(new URL('../../../cloud-stub/main.js', import.meta.url));
const ECHO = fileURLToPath(new URL('./echo.js', import.meta.url));

export interface ServerSettings {
  url: string;
  /** Folder of the zoo. */
  zoo: string;
  /** Its name, and its topics are below it: several run beside each other and do not share. */
  base: string;
  threads: number;
  /** More of the configuration. */
  more?: object;
}

/** CPU time in ms, of all threads and of the one that runs the networks. */
export interface CpuMs {
  process: number;
  inference: number;
}

/** A server that runs, and its inference thread. */
export class Server {
  readonly base: string;
  readonly child: Child;
  readonly #connection: Connection;
  readonly #thread: string;

  private constructor(connection: Connection, child: Child, base: string) {
    this.#connection = connection;
    this.child = child;
    this.base = base;
    this.#thread = busiestThread(child.pid);
  }

  /** @throws EdgemuxError PROGRAM_ENDED */
  static async start(connection: Connection, folder: string, settings: ServerSettings): Promise<Server> {
    const { url, zoo, base, threads, more } = settings;
    const file = join(folder, `${base}.yaml`);
    const config = {
      server: base,
      zoo,
      broker: { url, baseTopic: base },
      log: { level: 'warn' },
      inference: { providers: ['cpu'], threads },
      ...more,
    };
    writeFileSync(file, JSON.stringify(config)); // JSON is YAML
    const command = [process.execPath, SERVER, 'run', '--config', file] as const;
    const child = new Child('server', command, join(folder, `${base}.log`));
    await child.until(told(connection, `${base}/cloud/${base}/status`));
    return new Server(connection, child, base);
  }

  /** Changes its policy, as an operator would. @throws EdgemuxError MESSAGE_INVALID where it refuses */
  async setPolicy(patch: { mode: string }): Promise<void> {
    const topic = `${this.base}/cloud/${this.base}/policy`;
    const done = new Promise<void>((resolve, reject) => {
      const listening = this.#connection.subscribe(topic, { qos: 1 }, ({ payload }) => {
        const report = parseServerPolicyReport(payload);
        if ('error' in report) reject(new EdgemuxError('MESSAGE_INVALID', report.error.message));
        else if (report.mode === patch.mode) resolve();
      });
      listening.catch(reject);
    });
    await this.#connection.publish(`${topic}/set`, JSON.stringify(patch), { qos: 1 });
    await this.child.until(done);
    await this.#connection.unsubscribe(topic);
  }

  cpuMs(): CpuMs {
    const times = threadTimesMs(this.child.pid);
    const process = [...times.values()].reduce((sum, ms) => sum + ms, 0);
    return { process, inference: times.get(this.#thread) ?? NaN };
  }

  /** Resident memory in bytes; NaN where there is no /proc to read. */
  residentBytes(): number {
    const found = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.child.pid}/status`, 'utf8'));
    return Number(found?.[1] ?? NaN) * 1024;
  }
}

/** @throws EdgemuxError PROGRAM_ENDED */
export async function startEcho(
  connection: Connection,
  folder: string,
  { url, base, bytes }: { url: string; base: string; bytes: number },
): Promise<Child> {
  const child = new Child(
    'echo',
    [process.execPath, ECHO, url, base, String(bytes)],
    join(folder, `${base}.log`),
  );
  await child.until(told(connection, `${base}/cloud/echo/status`));
  return child;
}

async function told(connection: Connection, topic: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const listening = connection.subscribe(topic, { qos: 1 }, ({ payload }) => {
      if (Buffer.from(payload).includes('"online"')) resolve();
    });
    listening.catch(reject);
  });
  await connection.unsubscribe(topic);
}

/** Time on a processor of each thread, by id, from schedstat (ns); empty where there is no /proc to read. */
function threadTimesMs(pid: number): Map<string, number> {
  const folder = `/proc/${pid}/task`;
  const times = new Map<string, number>();
  for (const thread of readdirSync(folder)) {
    try {
      const [ns = NaN] = readFileSync(`${folder}/${thread}/schedstat`, 'utf8').split(' ').map(Number);
      times.set(thread, ns / 1e6);
    } catch {
      continue; // it has just ended
    }
  }
  return times;
}

/** Before the first request the thread that has loaded and warmed up the networks is the busiest beside the main one. */
function busiestThread(pid: number): string {
  const others = [...threadTimesMs(pid)].filter(([thread]) => thread !== String(pid));
  return others.sort(([, a], [, b]) => b - a)[0]?.[0] ?? '';
}
