/** Programs that a benchmark runs beside itself: broker, daemon, echo. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EdgemuxError } from '../../common/errors.js';
import { ALLOCATOR } from '../../common/host/allocator.js';

const STOP_TIMEOUT_MS = 7000;
const LOG_TAIL_CHARACTERS = 2000;

export interface ChildOptions {
  /** Added to the environment. */
  env?: NodeJS.ProcessEnv;
  /** User and group that it runs as, where this process may choose. */
  uid?: number;
}

/** A child process whose output goes to a file. It ends with this process at the latest. */
export class Child {
  readonly #name: string;
  readonly #logFile: string;
  readonly #process: ChildProcess;
  readonly #exit: Promise<number | null>;
  readonly #kill = (): void => void this.#process.kill('SIGKILL');

  constructor(
    name: string,
    command: readonly [string, ...string[]],
    logFile: string,
    { env, uid }: ChildOptions = {},
  ) {
    const [program, ...args] = command;
    const log = openSync(logFile, 'w');
    this.#name = name;
    this.#logFile = logFile;
    this.#process = spawn(program, args, {
      stdio: ['ignore', log, log],
      env: { ...environmentWithoutOurs(), ...ALLOCATOR, ...env },
      ...(uid === undefined ? {} : { uid, gid: uid }),
      // a session of its own, as a service manager gives it: Linux shares processors out between sessions
      detached: true,
    });
    closeSync(log);
    process.once('exit', this.#kill);
    this.#exit = new Promise((resolve) => {
      this.#process.once('exit', resolve);
      this.#process.once('error', () => {
        resolve(null);
      });
    });
  }

  get pid(): number {
    return this.#process.pid ?? NaN;
  }

  /** `ready`, unless the program ends first. @throws EdgemuxError PROGRAM_ENDED with the end of its log */
  async until<T>(ready: Promise<T>): Promise<T> {
    const ended = this.#exit.then((code): never => {
      const tail = this.log().slice(-LOG_TAIL_CHARACTERS);
      throw new EdgemuxError('PROGRAM_ENDED', `the ${this.#name} ended with exit code ${code}:\n${tail}`);
    });
    ended.catch(() => undefined);
    return Promise.race([ready, ended]);
  }

  /** The exit code, once it has ended; null after a signal. */
  get exit(): Promise<number | null> {
    return this.#exit;
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  /** What it has said so far. */
  log(): string {
    return readFileSync(this.#logFile, 'utf8');
  }

  /** SIGTERM, then SIGKILL when it takes too long. Returns the exit code. */
  async stop(): Promise<number | null> {
    this.#process.kill('SIGTERM');
    const timer = setTimeout(this.#kill, STOP_TIMEOUT_MS);
    const code = await this.#exit;
    clearTimeout(timer);
    process.removeListener('exit', this.#kill);
    return code;
  }

  /** Ends it at once, as a power cut or the kernel's memory killer does. */
  async kill(): Promise<void> {
    this.#kill();
    await this.#exit;
    process.removeListener('exit', this.#kill);
  }
}

/** The benchmark's own settings count, not what is set for a daemon on this machine or for the test runner. */
function environmentWithoutOurs(): NodeJS.ProcessEnv {
  const foreign = /^(EDGEMUX_|TAP|NODE_OPTIONS)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}

/** A port of the loopback interface that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Steps of releasing, run in the reverse order of what they release. */
export class Releases {
  readonly #steps: (() => unknown)[] = [];

  add(step: () => unknown): void {
    this.#steps.unshift(step);
  }

  async run(): Promise<void> {
    for (const step of this.#steps.splice(0)) await step();
  }
}

/** A temporary folder, removed with the rest, or at exit after an interruption. */
export async function benchFolder(releases: Releases): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'edgemux-bench-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  releases.add(() => {
    process.removeListener('exit', remove);
    remove();
  });
  return folder;
}
