/** The broker of a benchmark: a real mosquitto where one is installed, else aedes, each in its own process. */
import { accessSync, constants, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { silentLog } from '../../common/log.js';
import { systemClock } from '../../common/clock.js';
import { Connection } from '../../protocol/connection/connection.js';
import { Child, freePort } from './child.js';

export interface BenchBroker {
  url: string;
  /** For the report: which broker, set how. */
  what: string;
  stop(): Promise<void>;
}

const READY_MS = 10_000;
const AEDES = fileURLToPath(new URL('./aedes.js', import.meta.url));

/** @throws EdgemuxError PROGRAM_ENDED, BROKER_UNREACHABLE */
export async function startBroker(folder: string): Promise<BenchBroker> {
  const port = await freePort();
  const mosquitto = findProgram('mosquitto');
  const child = mosquitto === null ? startAedes(folder, port) : startMosquitto(mosquitto, folder, port);
  const url = `mqtt://127.0.0.1:${port}`;
  try {
    const probe = await child.until(connect(url, 'edgemux-bench-probe'));
    await probe.stop();
  } catch (error) {
    await child.stop();
    throw error;
  }
  const what =
    mosquitto === null ? 'aedes (no mosquitto is installed), no delay' : 'mosquitto, set_tcp_nodelay true';
  return { url, what, stop: async () => void (await child.stop()) };
}

/** A connection that is up. @throws EdgemuxError BROKER_UNREACHABLE */
export async function connect(url: string, clientId: string): Promise<Connection> {
  const connection = new Connection({ log: silentLog(), clock: systemClock }, { url, clientId });
  connection.start();
  await connection.ready(READY_MS);
  return connection;
}

function startMosquitto(program: string, folder: string, port: number): Child {
  const configFile = join(folder, 'mosquitto.conf');
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'set_tcp_nodelay true',
    'persistence false',
    'log_dest stderr',
    'log_type error',
  ];
  writeFileSync(configFile, `${lines.join('\n')}\n`);
  return new Child('mosquitto', [program, '-c', configFile], join(folder, 'mosquitto.log'));
}

function startAedes(folder: string, port: number): Child {
  return new Child('aedes broker', [process.execPath, AEDES, String(port)], join(folder, 'aedes.log'));
}

/** Debian puts daemons where a user's PATH does not look. */
function findProgram(name: string): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  for (const folder of folders.filter((one) => one !== '')) {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return join(folder, name);
    } catch {
      continue;
    }
  }
  return null;
}
