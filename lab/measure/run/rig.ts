/** Everything that runs during a campaign: broker, link, server, device, and the connection of the cameras. */
import { systemClock, type Clock } from '../../../common/clock.js';
import { EdgemuxError } from '../../../common/errors.js';
import { silentLog } from '../../../common/log.js';
import type { ServerMode } from '../../../common/policy-names.js';
import { brokerSchema, connectionOptions, type BrokerConfig } from '../../../protocol/config.js';
import { Connection } from '../../../protocol/connection/connection.js';
import type { LiveServerStatus } from '../../../protocol/messages.js';
import { deviceTopics } from '../../../protocol/topics/topics.js';
import { startEmbeddedBroker } from '../../demo/broker.js';
import { DeviceWatcher } from '../../demo/device-watcher.js';
import { isShaped } from '../link/links.js';
import { probeLink } from '../link/link-probe.js';
import { startLinkProxy } from '../link/link-proxy.js';
import type { MeasureOptions } from '../options.js';
import { filesOf, startDevice, startServer, type Files } from './programs.js';
import { SampleTail } from './sample-tail.js';
import { watchServer } from './server-watch.js';
import type { CampaignImages } from './images.js';
import type { Player } from './player.js';
import type { CampaignFacts, MeasuredLink } from '../store/facts.js';
import type { CampaignWriter } from '../store/writer.js';

/** What a campaign measures with. */
export interface Rig {
  clock: Clock;
  connection: Connection;
  watcher: DeviceWatcher;
  samples: SampleTail;
  /** Broker as the device sees it. */
  brokerUrl: string;
  measuredLink: MeasuredLink | null;
  /** Last status of the server; null until it shows itself. */
  server: () => LiveServerStatus | null;
  setServerMode: (mode: ServerMode) => Promise<void>;
  frameTopic: (camera: string) => string;
  resultFilter: string;
  /** Rejects when a program ends by itself. */
  ended: Promise<never>;
}

/** What has to be released at the end, in order of its making. */
export type CleanUp = (() => Promise<unknown>)[];

export interface Campaign {
  options: MeasureOptions;
  brokerOf: BrokerOf;
  /** A result that has not come so long after its frame does not come any more. */
  patienceMs: number;
  images: CampaignImages;
  writer: CampaignWriter;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
}

/** A campaign whose programs run. */
export interface Session extends Campaign {
  rig: Rig;
  session: number;
  player: Player;
  zooFacts: CampaignFacts['zoo'];
  /** Names of the device's rails. */
  rails: string[];
}

const START_MS = 120_000;

/**
 * The settings of a broker of one's own as the device's configuration has them, under the URL of the command line.
 * @throws EdgemuxError CONFIG_UNREADABLE, CONFIG_UNKNOWN_KEY, CONFIG_INVALID
 */
export type BrokerOf = (configFile: string | null, url: string) => BrokerConfig;

/** Starts what is not there yet and waits until device and server have met. */
export async function startRig(
  options: MeasureOptions,
  brokerOf: BrokerOf,
  session: number,
  cleanUp: CleanUp,
): Promise<Rig> {
  const broker = await theBroker(options, brokerOf, cleanUp);
  const device = `measure-${process.pid}`;
  const serverName = options.start.server ?? device;
  const connection = await connect(broker, 'cameras', cleanUp);
  const farUrl = await shapedUrl(options, broker, cleanUp);
  const own = options.start.server === null;
  const measuredLink = own ? await tryLink(options, broker, farUrl, connection, cleanUp) : null;
  const watcher = new DeviceWatcher(connection, deviceTopics(broker.baseTopic, device));
  await watcher.start();
  const server = await watchServer(connection, broker.baseTopic, serverName);
  const files = filesOf(options, session);
  const what = { broker, farUrl, device, serverName, own };
  const ended = startPrograms(options, files, what, cleanUp);
  const samples = new SampleTail({ clock: systemClock }, files.samples);
  cleanUp.push(() => samples.close());
  const rig = {
    clock: systemClock,
    connection,
    watcher,
    samples,
    brokerUrl: broker.url,
    measuredLink,
    ended,
  };
  await Promise.race([ended, met(watcher, server.status, options)]);
  return {
    ...rig,
    server: server.status,
    setServerMode: server.setMode,
    frameTopic: (camera) => `measure/${device}/${camera}`,
    resultFilter: `${broker.baseTopic}/${device}/result/+`,
  };
}

/** Starts device and server; the promise rejects when one of them ends by itself. */
function startPrograms(
  options: MeasureOptions,
  files: Files,
  what: { broker: BrokerConfig; farUrl: string; device: string; serverName: string; own: boolean },
  cleanUp: CleanUp,
): Promise<never> {
  const { broker, device } = what;
  const server = { broker, url: what.farUrl, name: what.serverName, log: files.serverLog };
  const programs = [
    ...(what.own ? [startServer(options, server)] : []),
    startDevice(options, { broker, device, files }),
  ];
  for (const program of programs) cleanUp.push(() => program.stop());
  const never = new Promise<never>(() => undefined);
  const ended = Promise.race(programs.map((program) => program.until(never).then(() => never)));
  ended.catch(() => undefined);
  return ended;
}

async function theBroker(
  { configFile, start }: MeasureOptions,
  brokerOf: BrokerOf,
  cleanUp: CleanUp,
): Promise<BrokerConfig> {
  if (start.broker !== null) return brokerOf(configFile, start.broker);
  const embedded = await startEmbeddedBroker();
  cleanUp.push(() => embedded.stop());
  return brokerSchema.parse({ url: embedded.url });
}

async function connect(broker: BrokerConfig, role: string, cleanUp: CleanUp): Promise<Connection> {
  const clientId = `edgemux-measure-${role}-${process.pid}`;
  const connection = new Connection(
    { log: silentLog(), clock: systemClock },
    { ...connectionOptions(broker), clientId },
  );
  connection.start();
  cleanUp.push(() => connection.stop());
  await connection.ready(START_MS);
  return connection;
}

async function shapedUrl(options: MeasureOptions, broker: BrokerConfig, cleanUp: CleanUp): Promise<string> {
  if (!isShaped(options.link)) return broker.url;
  if (!/^(mqtt|tcp):/.test(broker.url)) {
    throw new EdgemuxError(
      'CONFIG_INVALID',
      `--link ${options.link.name} needs a broker without TLS (mqtt://)`,
    );
  }
  const proxy = await startLinkProxy(broker.url, options.link, options.seed);
  cleanUp.push(() => proxy.stop());
  return proxy.url;
}

async function tryLink(
  options: MeasureOptions,
  broker: BrokerConfig,
  farUrl: string,
  near: Connection,
  cleanUp: CleanUp,
): Promise<MeasuredLink> {
  const far = await connect({ ...broker, url: farUrl }, 'probe', cleanUp);
  const measured = await probeLink({ clock: systemClock, near, far }, options.link);
  await far.stop();
  return measured;
}

async function met(
  watcher: DeviceWatcher,
  server: () => LiveServerStatus | null,
  { start, outDir }: MeasureOptions,
): Promise<void> {
  const inTime = await watcher.until(
    (state) => server() !== null && state.servers.some((one) => one.usable),
    START_MS,
  );
  if (inTime) return;
  const who = start.server === null ? 'server' : `server ${start.server}`;
  throw new EdgemuxError('PROGRAM_ENDED', `device and ${who} did not meet in time; see ${outDir}/*.log`);
}
