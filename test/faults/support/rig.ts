/**
 * What every fault case is played on: a real mosquitto, `edgemux run` and `edgemux-cloud run` as processes of their
 * own, each behind a TCP line that can fail, cameras, and the accountant, who watches from the broker's side.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child, Releases } from '../../../scripts/bench/child.js';
import { SHIPPED_ZOO } from '../../../mux/config.js';
import type { Connection } from '../../../protocol/connection/connection.js';
import { startBrokerProxy, type BrokerProxy } from '../../support/broker-proxy.js';
import { Accountant } from './accountant.js';
import { balanceOf, isIdle } from './balance.js';
import { Cameras } from './cameras.js';
import { testJpegs } from './images.js';
import { Mosquitto } from './mosquitto.js';
import {
  agentConfig,
  listen,
  MAIN,
  patientConnection,
  serverConfig,
  type Config,
  type RigOptions,
} from './rig-parts.js';
import { until } from '../../support/until.js';

export { DEVICE, type RigOptions } from './rig-parts.js';

const PICTURES = 64;
/** Nothing new has come for so long: all that was on its way has arrived. */
const QUIET_MS = 1000;

export class Rig {
  readonly folder = mkdtempSync(join(tmpdir(), 'edgemux-faults-'));
  readonly accountant: Accountant;
  readonly options: RigOptions;
  readonly servers = new Map<string, Child>();
  /** Retained status words as they came, by topic. */
  readonly statuses = new Map<string, string>();
  broker!: Mosquitto;
  /** The device's line, and the servers'. */
  line!: BrokerProxy;
  serverLine!: BrokerProxy;
  watch!: Connection;
  cameras!: Cameras;
  agent: Child | null = null;
  /** Leaves the folder with logs and journal where it is, for people to look at. */
  keep = false;
  readonly #releases = new Releases();
  #starts = 0;

  private constructor(options: RigOptions) {
    this.options = options;
    this.accountant = new Accountant({ mayAlter: options.mayAlter ?? false });
  }

  static async open(options: RigOptions = {}): Promise<Rig> {
    const rig = new Rig(options);
    const remove = (): void => {
      if (!rig.keep) rmSync(rig.folder, { recursive: true, force: true });
    };
    process.once('exit', remove);
    rig.#releases.add(() => {
      process.removeListener('exit', remove);
      remove();
    });
    try {
      await rig.#build();
    } catch (error) {
      await rig.close();
      throw error;
    }
    return rig;
  }

  get zoo(): string {
    return this.options.ownZoo === true ? join(this.folder, 'zoo') : SHIPPED_ZOO;
  }

  get dataDir(): string {
    return join(this.folder, 'data');
  }

  /** Starts the device and, unless the broker is away, waits until it says how it is. */
  async startAgent({ wait = true, wrapper = this.options.wrapper ?? [] } = {}): Promise<Child> {
    const file = this.#configFile('agent', agentConfig(this, this.line.url));
    const { nodeArgs, program = MAIN.agent, child } = this.options;
    const node = [process.execPath, ...(nodeArgs?.('agent') ?? [])];
    const [head = '', ...rest] = [...wrapper, ...node, program, 'run', '--config', file];
    const agent = new Child('device', [head, ...rest], this.#log('agent'), child);
    this.agent = agent;
    if (wait) await agent.until(until('the device says how it is', () => this.accountant.state !== null));
    return agent;
  }

  /** Ends the device's process by SIGTERM and takes what it says last. Returns its exit code. */
  async stopAgent(): Promise<number | null> {
    const code = (await this.agent?.stop()) ?? null;
    this.agent = null;
    return code;
  }

  /** SIGKILL. */
  async killAgent(): Promise<void> {
    await this.agent?.kill();
    this.agent = null;
    this.accountant.nextLife('killed');
  }

  async startServer(name = 's1', { wait = true, zoo = SHIPPED_ZOO } = {}): Promise<Child> {
    const file = this.#configFile(
      name,
      serverConfig(this.options, { server: name, zoo }, this.serverLine.url),
    );
    const node = [...(this.options.nodeArgs?.(name) ?? []), MAIN.server];
    const child = new Child('server', [process.execPath, ...node, 'run', '--config', file], this.#log(name));
    this.servers.set(name, child);
    if (wait) await child.until(this.served(name));
    return child;
  }

  async killServer(name = 's1'): Promise<void> {
    await this.servers.get(name)?.kill();
    this.servers.delete(name);
  }

  /** Waits until the device may ask the server. */
  served(name: string, usable = true): Promise<boolean> {
    const holds = (): boolean =>
      this.accountant.state?.servers.some((one) => one.server === name && one.usable) === usable;
    return until(`the device ${usable ? 'sees' : 'misses'} server ${name}`, holds);
  }

  /** Waits until cameras and accountant are connected again. */
  watching(): Promise<void> {
    return this.watch.ready(60_000);
  }

  /** Stops the cameras and waits until the device has nothing left; after `patienceMs` things are as they are. */
  async settle(patienceMs = 30_000): Promise<void> {
    this.cameras.stop();
    let received = -1;
    let sinceMs = performance.now();
    const settled = (): boolean => {
      const state = this.accountant.state;
      if (state && state.counters.received !== received) {
        received = state.counters.received;
        sinceMs = performance.now();
      }
      if (performance.now() - sinceMs < QUIET_MS) return false;
      return isIdle(state) && balanceOf(this.accountant).lost === 0;
    };
    await until('all is settled', settled, patienceMs).catch(() => undefined);
  }

  close(): Promise<void> {
    return this.#releases.run();
  }

  async #build(): Promise<void> {
    const { persistence = false, ownZoo = false, seed = 1 } = this.options;
    mkdirSync(this.dataDir, { mode: 0o700 });
    if (ownZoo) cpSync(SHIPPED_ZOO, this.zoo, { recursive: true });
    this.broker = await Mosquitto.at(this.folder, { persistence });
    await this.broker.start();
    this.#releases.add(() => this.broker.stop());
    this.line = await startBrokerProxy(this.broker.port, seed);
    this.#releases.add(() => this.line.stop());
    this.serverLine = await startBrokerProxy(this.broker.port, seed + 1);
    this.#releases.add(() => this.serverLine.stop());
    this.watch = await patientConnection(this.broker.url);
    this.#releases.add(() => this.watch.stop());
    await listen(this);
    this.cameras = new Cameras(this.watch, this.accountant, await testJpegs(PICTURES));
    this.#releases.add(async () => {
      this.cameras.stop();
      await this.agent?.stop();
      for (const server of this.servers.values()) {
        server.signal('SIGCONT');
        await server.stop();
      }
    });
  }

  #configFile(name: string, config: Config): string {
    const file = join(this.folder, `${name}.yaml`);
    writeFileSync(file, JSON.stringify(config)); // JSON is YAML
    return file;
  }

  #log(name: string): string {
    this.#starts += 1;
    return join(this.folder, `${name}-${this.#starts}.log`);
  }
}
