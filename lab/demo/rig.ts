import { systemClock } from '../../common/clock.js';
import { EdgemuxError } from '../../common/errors.js';
import { silentLog } from '../../common/log.js';
import { loadZoo, type Zoo } from '../../mux/zoo/zoo.js';
import { Connection } from '../../protocol/connection/connection.js';
import { deviceTopics } from '../../protocol/topics/topics.js';
import { startLinkProxy } from '../measure/link/link-proxy.js';
import { LINKS, isShaped } from '../measure/link/links.js';
import { startEmbeddedBroker } from './broker.js';
import { LiveLine } from './live.js';
import type { DemoOptions } from './options.js';
import type { Phase, PlayDeps } from './phase.js';
import { chooseHttpPorts, startPrograms } from './programs.js';
import { DeviceWatcher } from './device-watcher.js';

/** A server runs every size of batch before it is there: with large networks on few cores that takes its time. */
const START_MS = 180_000;

/** What has to be released at the end, in order of its making. */
export type CleanUp = (() => Promise<unknown>)[];

/** Everything that runs while the demo plays. */
export interface Rig extends PlayDeps {
  options: DemoOptions;
  zoo: Zoo;
  watcher: DeviceWatcher;
  live: LiveLine;
  /** Where results go while a phase runs. */
  setPhase: (phase: Phase) => void;
}

/** Starts broker, server, device and the cameras' own connection, and waits until device and server have met. */
export async function startRig(options: DemoOptions, signal: AbortSignal, cleanUp: CleanUp): Promise<Rig> {
  const zoo = await loadZoo(options.zoo);
  const url = options.broker ?? (await embeddedBroker(cleanUp));
  process.stdout.write(
    `edgemux demo: zoo ${zoo.name}, ${options.cameras} cameras, broker ${url}, link ${options.link}, power simulated\n`,
  );
  const device = `demo-${process.pid}`;
  const connection = await connect(url, cleanUp);
  const watcher = new DeviceWatcher(connection, deviceTopics('edgemux', device));
  await watcher.start();
  let phase: Phase | null = null;
  await connection.subscribe(`edgemux/${device}/result/+`, { qos: 1 }, (message) =>
    phase?.receive(message.payload),
  );
  await startBoth(url, device, options, watcher, cleanUp);
  const live = new LiveLine(process.stdout, watcher);
  const setPhase = (next: Phase): void => void (phase = next);
  return { clock: systemClock, connection, signal, options, zoo, watcher, live, setPhase };
}

async function embeddedBroker(cleanUp: CleanUp): Promise<string> {
  const broker = await startEmbeddedBroker();
  cleanUp.push(() => broker.stop());
  return broker.url;
}

async function connect(url: string, cleanUp: CleanUp): Promise<Connection> {
  const clientId = `edgemux-cameras-${process.pid}`;
  const connection = new Connection({ log: silentLog(), clock: systemClock }, { url, clientId });
  connection.start();
  cleanUp.push(() => connection.stop());
  await connection.ready(START_MS);
  return connection;
}

/** The broker as the server sees it, behind the link. */
async function farUrl(url: string, { link, seed }: DemoOptions, cleanUp: CleanUp): Promise<string> {
  const profile = LINKS[link];
  if (!isShaped(profile)) return url;
  const far = new URL(url);
  if (!/^(mqtt|tcp):$/.test(far.protocol)) {
    throw new EdgemuxError(
      'CONFIG_INVALID',
      `--link ${link} shapes a connection without TLS (mqtt://) and cannot shape ${far.protocol}//: give --link none`,
    );
  }
  const proxy = await startLinkProxy(url, profile, seed);
  cleanUp.push(() => proxy.stop());
  far.host = new URL(proxy.url).host;
  return far.href;
}

async function startBoth(
  url: string,
  device: string,
  options: DemoOptions,
  watcher: DeviceWatcher,
  cleanUp: CleanUp,
): Promise<void> {
  const serverUrl = await farUrl(url, options, cleanUp);
  const ports = await chooseHttpPorts();
  const programs = startPrograms({ url, serverUrl, device, options, ports });
  process.stdout.write(
    `page: http://127.0.0.1:${ports.device}/  metrics: http://127.0.0.1:${ports.server}/metrics (server)\n`,
  );
  for (const program of programs) cleanUp.push(() => program.stop());
  const met = watcher
    .until((state) => state.servers.some((server) => server.usable), START_MS)
    .then((inTime) => {
      if (inTime) return;
      throw new EdgemuxError(
        'PROGRAM_ENDED',
        `device and server did not meet in time; see ${options.outDir}/*.log`,
      );
    });
  await Promise.race(programs.map((program) => program.until(met)));
}
