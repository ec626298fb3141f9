import net from 'node:net';
import type { Test } from 'tap';
import { seededRandom } from '../../common/random.js';
import { Flow, GOOD_LINE, type LineConditions } from './fault-line.js';

/** A TCP line to a broker that a test can cut, freeze, slow down or spoil. */
export interface BrokerProxy {
  readonly url: string;
  /** Passes nothing on in either direction, and closes nothing: a half-dead line. */
  freeze(): void;
  thaw(): void;
  /** Freezes the lines that are open now, for good; new ones are made and work. */
  strand(): void;
  /** On the lines that are open now nothing comes back any more; what the near ends say still arrives. */
  hush(): void;
  /** Drops all lines; new ones are made. */
  cut(): void;
  /** What becomes of new lines: `refuse` closes them at once, `hold` lets them wait for `open`. */
  door(state: 'open' | 'refuse' | 'hold'): void;
  /** Changes what the lines are like; what is not named is good again. */
  be(conditions: Partial<LineConditions>): void;
  /** From now on takes what the near ends say and passes none of it on; null: as before, over new lines. */
  swallow(take: ((chunk: Buffer) => void) | null): void;
  /** Lines that were ever opened. */
  readonly opened: number;
  /** Chunks that were corrupted. */
  readonly corrupted: number;
  stop(): Promise<void>;
}

interface Line {
  near: net.Socket;
  far: net.Socket;
  flows: Flow[];
  frozen: boolean;
}

/** Listens on a free port and passes on to `targetPort` of this machine. */
export async function startBrokerProxy(targetPort: number, seed = 1): Promise<BrokerProxy> {
  const proxy = new Proxy(targetPort, seededRandom(seed));
  await proxy.listen();
  return proxy;
}

class Proxy implements BrokerProxy {
  readonly #targetPort: number;
  readonly #random: () => number;
  readonly #server: net.Server;
  readonly #lines = new Set<Line>();
  readonly #held = new Set<net.Socket>();
  #conditions = GOOD_LINE;
  #door: 'open' | 'refuse' | 'hold' = 'open';
  #frozen = false;
  #swallow: ((chunk: Buffer) => void) | null = null;
  #corruptedBefore = 0;
  opened = 0;

  constructor(targetPort: number, random: () => number) {
    this.#targetPort = targetPort;
    this.#random = random;
    this.#server = net.createServer((near) => this.#accept(near));
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get url(): string {
    return `mqtt://127.0.0.1:${(this.#server.address() as net.AddressInfo).port}`;
  }

  get corrupted(): number {
    const flows = [...this.#lines].flatMap((line) => line.flows);
    return flows.reduce((sum, flow) => sum + flow.corrupted, this.#corruptedBefore);
  }

  freeze(): void {
    this.#frozen = true;
    for (const line of this.#lines) freezeLine(line);
  }

  thaw(): void {
    this.#frozen = false;
    for (const line of this.#lines) {
      line.frozen = false;
      for (const flow of line.flows) flow.thaw();
    }
  }

  strand(): void {
    for (const line of this.#lines) freezeLine(line);
  }

  hush(): void {
    for (const line of this.#lines) line.flows[1]?.freeze();
  }

  cut(): void {
    for (const line of [...this.#lines]) this.#drop(line);
  }

  door(state: 'open' | 'refuse' | 'hold'): void {
    this.#door = state;
    if (state === 'hold') return;
    for (const near of [...this.#held]) {
      this.#held.delete(near);
      if (state === 'refuse') near.destroy();
      else this.#connect(near);
    }
  }

  be(conditions: Partial<LineConditions>): void {
    this.#conditions = { ...GOOD_LINE, ...conditions };
  }

  swallow(take: ((chunk: Buffer) => void) | null): void {
    if (take === null && this.#swallow !== null) this.cut();
    this.#swallow = take;
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      for (const near of this.#held) near.destroy();
      this.cut();
    });
  }

  #accept(near: net.Socket): void {
    this.opened += 1;
    near.setNoDelay(true).on('error', () => undefined);
    if (this.#door === 'refuse') near.destroy();
    else if (this.#door === 'open') this.#connect(near);
    else {
      this.#held.add(near.pause());
      near.once('close', () => this.#held.delete(near));
    }
  }

  #connect(near: net.Socket): void {
    const far = net.connect({ port: this.#targetPort, host: '127.0.0.1' });
    far.setNoDelay(true).on('error', () => undefined);
    const line: Line = { near, far, flows: [], frozen: false };
    this.#lines.add(line);
    const common = { conditions: () => this.#conditions, random: this.#random, cut: () => this.#drop(line) };
    line.flows = [
      new Flow({ ...common, from: near, to: far, corruptible: false, swallow: () => this.#swallow }),
      new Flow({ ...common, from: far, to: near, corruptible: true, swallow: () => null }),
    ];
    const closed = (): void => {
      if (!line.frozen && near.destroyed && far.destroyed) this.#drop(line);
    };
    near.once('close', closed);
    far.once('close', closed);
    if (this.#frozen) freezeLine(line);
    else near.resume(); // it was held
  }

  #drop(line: Line): void {
    this.#lines.delete(line);
    for (const flow of line.flows) {
      flow.stop();
      this.#corruptedBefore += flow.corrupted;
      flow.corrupted = 0;
    }
    line.near.destroy();
    line.far.destroy();
  }
}

function freezeLine(line: Line): void {
  line.frozen = true;
  for (const flow of line.flows) flow.freeze();
}

/** The URL of a TCP server that is no broker, for as long as the test runs. */
export async function startImpostor(t: Test, onSocket: (socket: net.Socket) => void): Promise<string> {
  const sockets: net.Socket[] = [];
  const server = net.createServer((socket) => {
    sockets.push(socket);
    onSocket(socket.on('error', () => undefined));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `mqtt://127.0.0.1:${(server.address() as net.AddressInfo).port}`;
}
