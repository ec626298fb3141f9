import type { Test } from 'tap';
import { agentConfigSchema, type AgentConfig } from '../../agent/config.js';
import { AgentDaemon } from '../../agent/daemon.js';
import { cloudConfigSchema } from '../../cloud-stub/config.js';
import { CloudServer } from '../../cloud-stub/server.js';
import { systemClock } from '../../common/clock.js';
import { silentLog } from '../../common/log.js';
import { encodeJpeg } from '../../mux/image/image.js';
import { loadTestSet, type TestSet } from '../../lab/zoo/testset.js';
import { loadZoo, type Zoo } from '../../mux/zoo/zoo.js';
import { Connection } from '../../protocol/connection/connection.js';
import { parseDeviceState, parseResult, type DeviceState, type Result } from '../../protocol/messages.js';
import { until } from './until.js';

/** Longest wait for something that does happen on a very slow machine. */
export const PATIENCE_MS = 30_000;

type DeepPartial<T> = { [K in keyof T]?: T[K] extends object ? DeepPartial<T[K]> : T[K] };

/** A connected device daemon with the shipped zoo against `url`, stopped at teardown. */
export async function startDevice(
  t: Test,
  url: string,
  options: DeepPartial<AgentConfig> & { device: string },
): Promise<AgentDaemon> {
  const config = agentConfigSchema.parse({
    ...options,
    dataDir: options.dataDir ?? t.testdir(),
    broker: { url, ...options.broker },
    inference: { providers: ['cpu'], ...options.inference },
    // a frame that a loaded machine keeps waiting is answered all the same
    offload: { deadlineMs: 20_000, ...options.offload },
    report: { stateIntervalS: 0.1, ...options.report },
  });
  const daemon = new AgentDaemon({ log: silentLog() }, config);
  t.teardown(() => daemon.stop());
  await daemon.start();
  await untilConnected(url, options.device);
  return daemon;
}

/** The daemon connects in the background; what is published before it listens goes unheard. */
async function untilConnected(url: string, device: string): Promise<void> {
  const clientId = `waits-for-${device}-${process.pid}`;
  const connection = new Connection({ log: silentLog(), clock: systemClock }, { url, clientId });
  connection.start();
  await connection.ready(PATIENCE_MS);
  await new Promise<void>((resolve) => {
    void connection.subscribe(`edgemux/${device}/state`, { qos: 1 }, () => {
      resolve();
    });
  });
  await connection.stop();
}

/** A server with the shipped zoo against `url`, stopped at teardown. */
export async function startServer(
  t: Test,
  url: string,
  server: string,
  extra: object = {},
): Promise<CloudServer> {
  const config = cloudConfigSchema.parse({
    server,
    broker: { url },
    inference: { providers: ['cpu'] },
    ...extra,
  });
  const cloud = new CloudServer({ log: silentLog() }, config);
  t.teardown(() => cloud.stop());
  await cloud.start();
  return cloud;
}

/** Seen from outside, over MQTT alone: publishes frames, collects results and the device's state. */
export class Outside {
  readonly results: Result[] = [];
  readonly raw: { topic: string; payload: Uint8Array }[] = [];
  state: DeviceState | null = null;
  readonly connection: Connection;
  readonly #device: string;

  private constructor(url: string, device: string, version: 'auto' | 4 | 5) {
    this.#device = device;
    this.connection = new Connection(
      { log: silentLog(), clock: systemClock },
      { url, clientId: `outside-${device}-${process.pid}`, version },
    );
  }

  static async connect(
    t: Test,
    url: string,
    device: string,
    version: 'auto' | 4 | 5 = 'auto',
  ): Promise<Outside> {
    const outside = new Outside(url, device, version);
    outside.connection.start();
    t.teardown(() => outside.connection.stop());
    await outside.connection.ready(PATIENCE_MS);
    await outside.connection.subscribe(`edgemux/${device}/result/+`, { qos: 1 }, (message) => {
      outside.results.push(parseResult(message.payload));
      outside.raw.push(message);
    });
    await outside.connection.subscribe(`edgemux/${device}/state`, { qos: 1 }, (message) => {
      outside.state = parseDeviceState(message.payload);
    });
    return outside;
  }

  async publishFrame(camera: string, payload: string | Uint8Array, retain = false): Promise<void> {
    await this.connection.publish(`cameras/${camera}/frame`, payload, { qos: 1, retain });
  }

  /** Waits until something holds. @throws Error with the condition's text, where it never does */
  async until(holds: () => boolean, patienceMs = PATIENCE_MS): Promise<boolean> {
    return until(String(holds), holds, patienceMs);
  }

  /** Waits until the device's own state fulfils a condition. */
  async untilState(holds: (state: DeviceState) => boolean): Promise<boolean> {
    return this.until(() => this.state !== null && holds(this.state));
  }

  /** Waits until the device has answered `n` frames. */
  async untilResults(n: number): Promise<boolean> {
    return this.until(() => this.results.length >= n);
  }

  /** Waits until a usable server is in the device's state. */
  async untilServed(): Promise<boolean> {
    return this.untilState((state) => state.servers.some((server) => server.usable));
  }

  async setPolicy(patch: object): Promise<void> {
    await this.connection.publish(`edgemux/${this.#device}/policy/set`, JSON.stringify(patch), { qos: 1 });
  }
}

let shared: Promise<{ zoo: Zoo; test: TestSet }> | null = null;

/** The shipped zoo and its real test images. */
export function shippedZoo(): Promise<{ zoo: Zoo; test: TestSet }> {
  shared ??= loadZoo('models/fashion-mnist').then(async (zoo) => ({ zoo, test: await loadTestSet(zoo) }));
  return shared;
}

/** Test image `index` as a camera would send it. */
export async function jpegOf(index: number): Promise<Uint8Array> {
  const { zoo, test } = await shippedZoo();
  return encodeJpeg(test.images(index), zoo.input, 95);
}
