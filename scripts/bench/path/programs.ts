/** The daemon under test and the far end of the raw hop, as child processes that say when they are ready. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Connection } from '../../../protocol/connection/connection.js';
import { deviceTopics } from '../../../protocol/topics/topics.js';
import { Child } from '../child.js';
import type { CameraTopics } from './cameras.js';
import { HOP_FRAMES, HOP_READY, HOP_RESULTS } from './echo.js';

const DAEMON = fileURLToPath(new URL('../../../agent/main.js', import.meta.url));
const ECHO = fileURLToPath(new URL('./echo.js', import.meta.url));
const DEVICE = 'bench';
const TOPICS = deviceTopics('edgemux', DEVICE);

export const DAEMON_TOPICS: CameraTopics = {
  frame: (camera) => `cameras/${camera}/frame`,
  result: (camera) => TOPICS.result(camera),
};
export const HOP_TOPICS: CameraTopics = {
  frame: (camera) => HOP_FRAMES + camera,
  result: (camera) => HOP_RESULTS + camera,
};

export interface DaemonSettings {
  url: string;
  /** Folder of the zoo. */
  zoo: string;
  threads: number;
  depth: number;
  /** Its name, and where it says that it is online, if not below `edgemux`. */
  device?: string;
  status?: string;
  /** More of the configuration, in place of what stands here. */
  more?: object;
}

/**
 * `edgemux run` as a user would start it, its journal in `folder`. Mode `mux` with threshold 1 asks the mux about every
 * frame and keeps every frame: the same work as the floor's. @throws EdgemuxError PROGRAM_ENDED
 */
export async function startDaemon(
  connection: Connection,
  folder: string,
  { url, zoo, threads, depth, device = DEVICE, status = TOPICS.status, more }: DaemonSettings,
): Promise<Child> {
  const configFile = join(folder, `${device}.yaml`);
  const config = {
    device,
    zoo,
    dataDir: join(folder, 'data'),
    broker: { url },
    log: { level: 'warn' },
    policy: { mode: 'mux', threshold: 1 },
    inference: { providers: ['cpu'], threads, pipelineDepth: depth },
    ...more,
  };
  writeFileSync(configFile, JSON.stringify(config)); // JSON is YAML
  const command = [process.execPath, DAEMON, 'run', '--config', configFile] as const;
  const child = new Child('daemon', command, join(folder, `${device}.log`));
  await child.until(told(connection, status, 'online'));
  return child;
}

/** @param resultBytes size of its answers @throws EdgemuxError PROGRAM_ENDED */
export async function startEcho(
  connection: Connection,
  folder: string,
  url: string,
  resultBytes: number,
): Promise<Child> {
  const command = [process.execPath, ECHO, url, String(resultBytes)] as const;
  const child = new Child('echo', command, join(folder, 'echo.log'));
  await child.until(told(connection, HOP_READY, 'ready'));
  return child;
}

async function told(connection: Connection, topic: string, text: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const subscribed = connection.subscribe(topic, { qos: 1 }, ({ payload }) => {
      if (Buffer.from(payload).toString() === text) resolve();
    });
    subscribed.catch(reject);
  });
  await connection.unsubscribe(topic);
}
