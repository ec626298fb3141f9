/**
 * Real brokers for tests: aedes in this process (MQTT 3.1.1), and a mosquitto of its own on a free port where one
 * is installed (3.1.1 and 5). Each can be stopped and started again on the same port.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Aedes } from 'aedes';

export interface TestBroker {
  readonly kind: 'aedes' | 'mosquitto';
  readonly url: string;
  readonly port: number;
  /** Ends the broker and its connections; all it remembered is lost. */
  stop(): Promise<void>;
  /** Starts it again on the same port (after stop(), or stops it first). */
  restart(): Promise<void>;
}

export interface MosquittoOptions {
  username?: string;
  password?: string;
  /** Paths of PEM files; the broker then speaks TLS only, and asks for a client certificate when `mutual`. */
  tls?: { ca: string; cert: string; key: string; mutual?: boolean };
  /** More lines for the configuration file. */
  lines?: string[];
}

const STARTED_WITHIN_MS = 10_000;

/** A TCP port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Where a program is installed (also in /usr/sbin, which is not on every PATH), or null. */
export function findProgram(name: string): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path)) ?? null;
}

/** For node-tap's `skip`: false, or what is missing. */
export function withoutMosquitto(): false | string {
  return findProgram('mosquitto') === null ? 'mosquitto is not installed' : false;
}

export interface AedesOptions {
  /** Everybody else is refused. */
  password?: string;
  /** Topics that nobody may subscribe to. */
  forbid?: (topic: string) => boolean;
}

/** An aedes of its own. */
export async function startAedes(options: AedesOptions = {}): Promise<TestBroker> {
  const port = await freePort();
  let close = await listen(port, options);
  return {
    kind: 'aedes',
    url: `mqtt://127.0.0.1:${port}`,
    port,
    stop: () => close(),
    restart: async () => {
      await close();
      close = await listen(port, options);
    },
  };
}

async function listen(port: number, { password, forbid }: AedesOptions): Promise<() => Promise<void>> {
  const broker = await Aedes.createBroker();
  if (password !== undefined) {
    broker.authenticate = (_client, _username, given, done) => {
      if (given?.toString() === password) return done(null, true);
      done(Object.assign(new Error('bad password'), { returnCode: 4 }), null);
    };
  }
  if (forbid !== undefined) {
    broker.authorizeSubscribe = (_client, wanted, done) => done(null, forbid(wanted.topic) ? null : wanted);
  }
  const sockets = new Set<net.Socket>();
  const server = net.createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    broker.handle(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  let closed: Promise<void> | null = null;
  return () =>
    (closed ??= new Promise((resolve) => {
      server.close(() => broker.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
    }));
}

/** A mosquitto of its own, without persistence. Skip the test `withoutMosquitto()`. */
export async function startMosquitto(options: MosquittoOptions = {}): Promise<TestBroker> {
  const folder = mkdtempSync(join(tmpdir(), 'edgemux-mosquitto-'));
  const port = await freePort();
  const file = join(folder, 'mosquitto.conf');
  writeFileSync(file, configuration(folder, port, options));
  let child: ChildProcess | null = await spawnMosquitto(file, port);
  const stop = async (): Promise<void> => {
    if (child !== null) await ended(child);
    child = null;
  };
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return {
    kind: 'mosquitto',
    url: `${options.tls === undefined ? 'mqtt' : 'mqtts'}://127.0.0.1:${port}`,
    port,
    stop,
    restart: async () => {
      await stop();
      child = await spawnMosquitto(file, port);
    },
  };
}

function configuration(folder: string, port: number, options: MosquittoOptions): string {
  const { username, password, tls, lines = [] } = options;
  const all = [
    `user ${userInfo().username}`,
    'persistence false',
    'set_tcp_nodelay true',
    `listener ${port} 127.0.0.1`,
  ];
  if (username === undefined || password === undefined) all.push('allow_anonymous true');
  else all.push('allow_anonymous false', `password_file ${passwordFile(folder, username, password)}`);
  if (tls !== undefined) {
    all.push(`cafile ${tls.ca}`, `certfile ${tls.cert}`, `keyfile ${tls.key}`);
    if (tls.mutual === true) all.push('require_certificate true');
  }
  return [...all, ...lines, ''].join('\n');
}

function passwordFile(folder: string, username: string, password: string): string {
  const file = join(folder, 'passwords');
  execFileSync('mosquitto_passwd', ['-b', '-c', file, username, password], { stdio: 'ignore' });
  return file;
}

/** Lets the broker end with this process however that ends: by the end of its standard input. */
const LEASH = '"$0" -c "$1" & pid=$!; read -r _; kill "$pid" 2>/dev/null; wait "$pid"';

async function spawnMosquitto(file: string, port: number): Promise<ChildProcess> {
  const child = spawn('sh', ['-c', LEASH, findProgram('mosquitto') ?? 'mosquitto', file], {
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-2000)));
  const giveUpAt = Date.now() + STARTED_WITHIN_MS;
  while (!(await accepts(port))) {
    if (Date.now() > giveUpAt) throw new Error(`mosquitto does not listen: ${said}`);
    await sleep(20);
  }
  return child;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** Lets go of the leash and resolves when the broker has ended. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.stdin?.end();
  await exit;
}
