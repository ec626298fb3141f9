/** What a rig is made of, beside its processes: options, configurations, and who listens. */
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../../common/clock.js';
import { silentLog } from '../../../common/log.js';
import { Connection } from '../../../protocol/connection/connection.js';
import type { ChildOptions } from '../../../scripts/bench/child.js';
import type { Accountant } from './accountant.js';

export const MAIN = {
  agent: fileURLToPath(new URL('../../../agent/main.js', import.meta.url)),
  server: fileURLToPath(new URL('../../../cloud-stub/main.js', import.meta.url)),
};
export const DEVICE = 'd1';
export type Config = Record<string, unknown>;

export interface RigOptions {
  /** The broker keeps its memory on disk. */
  persistence?: boolean;
  /** Over the rig's own configuration of the device, section by section. */
  agent?: Config;
  /** Over the rig's own configuration of each server. */
  server?: Config;
  /** The device has a copy of the zoo of its own. */
  ownZoo?: boolean;
  /** The line to the device will corrupt images. */
  mayAlter?: boolean;
  /** In place of `edgemux run`: a program that takes the same arguments. */
  program?: string;
  /** Of the device's process. */
  child?: ChildOptions;
  /** For node, before the program. */
  nodeArgs?: (process: string) => string[];
  /** Started in place of node. */
  wrapper?: readonly string[];
  seed?: number;
}

interface Place {
  zoo: string;
  dataDir: string;
  options: RigOptions;
}

export function agentConfig({ zoo, dataDir, options }: Place, url: string): Config {
  return {
    device: DEVICE,
    zoo,
    dataDir,
    log: { level: 'info' },
    inference: { providers: ['cpu'], threads: 1 },
    report: { stateIntervalS: 0.2 },
    ...options.agent,
    broker: { url, ...(options.agent?.['broker'] as Config | undefined) },
  };
}

export function serverConfig(
  options: RigOptions,
  { server, zoo }: { server: string; zoo: string },
  url: string,
): Config {
  return {
    server,
    zoo,
    log: { level: 'info' },
    inference: { providers: ['cpu'], threads: 1 },
    policy: { mode: 'largest' },
    report: { statusIntervalS: 1 },
    ...options.server,
    broker: { url, ...(options.server?.['broker'] as Config | undefined) },
  };
}

/** The accountant hears results and states; the last word on each status topic is kept. */
export async function listen({
  watch,
  accountant,
  statuses,
}: {
  watch: Connection;
  accountant: Accountant;
  statuses: Map<string, string>;
}): Promise<void> {
  await watch.subscribe(`edgemux/${DEVICE}/result/+`, { qos: 1 }, (message) => {
    accountant.takeResult(message);
  });
  await watch.subscribe(`edgemux/${DEVICE}/state`, { qos: 1 }, (message) => accountant.takeState(message));
  const status = ({ topic, payload }: { topic: string; payload: Uint8Array }): void => {
    statuses.set(topic, Buffer.from(payload).toString());
  };
  await watch.subscribe(`edgemux/${DEVICE}/status`, { qos: 1 }, status);
  await watch.subscribe('edgemux/cloud/+/status', { qos: 1 }, status);
}

/** Outlasts a broker that is frozen: who watches must not miss what the device delivers. */
export async function patientConnection(url: string): Promise<Connection> {
  const options = { url, clientId: `faults-${process.pid}`, keepaliveS: 600 };
  const connection = new Connection({ log: silentLog(), clock: systemClock }, options);
  connection.start();
  await connection.ready(60_000);
  return connection;
}
