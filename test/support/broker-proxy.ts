import net from 'node:net';
import type { Test } from 'tap';

/** A TCP line to a broker that a test can cut or freeze. */
export interface BrokerProxy {
  readonly url: string;
  /** Passes nothing on in either direction, and closes nothing: a half-dead line. */
  freeze(): void;
  thaw(): void;
  /** Drops all lines; new ones are made. */
  cut(): void;
  /** Lines that were ever opened. */
  readonly opened: number;
  stop(): Promise<void>;
}

/** Listens on a free port and passes on to `targetPort` of this machine. */
export async function startBrokerProxy(targetPort: number): Promise<BrokerProxy> {
  const pairs = new Set<[net.Socket, net.Socket]>();
  let frozen = false;
  let opened = 0;
  const server = net.createServer((near) => {
    opened += 1;
    const far = net.connect({ port: targetPort, host: '127.0.0.1' });
    const pair: [net.Socket, net.Socket] = [near, far];
    pairs.add(pair);
    const drop = (): void => {
      if (frozen) return;
      pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    for (const [from, to] of [pair, [far, near]] as const) {
      from.setNoDelay(true);
      from.on('error', () => undefined).on('close', drop);
      from.on('data', (chunk) => to.write(chunk));
      if (frozen) from.pause();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const all = (act: (socket: net.Socket) => void): void => [...pairs].flat().forEach(act);
  return {
    url: `mqtt://127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    freeze: () => {
      frozen = true;
      all((socket) => socket.pause());
    },
    thaw: () => {
      frozen = false;
      all((socket) => socket.resume());
    },
    cut: () => all((socket) => socket.destroy()),
    get opened() {
      return opened;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        all((socket) => socket.destroy());
      }),
  };
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
