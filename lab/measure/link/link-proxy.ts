/** A TCP proxy that shapes what passes: the link between broker and server. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { systemClock } from '../../../common/clock.js';
import { seededRandom } from '../../../common/random.js';
import { LinkLane, type LaneDeps } from './link-lane.js';
import type { LinkProfile } from '../store/facts.js';

/** Beyond so many bytes under way the sender has to wait, as on a real link with a finite buffer. */
const BUFFER_BYTES = 1024 * 1024;

export interface LinkProxy {
  /** Where the far side connects to. */
  url: string;
  stop(): Promise<void>;
}

/**
 * Listens on the loopback interface and passes everything on to `brokerUrl` and back. What the broker sends goes
 * the way up (device → server), what comes from the far side the way down.
 */
export async function startLinkProxy(
  brokerUrl: string,
  profile: LinkProfile,
  seed: number,
): Promise<LinkProxy> {
  const { hostname, port } = new URL(brokerUrl);
  const deps: LaneDeps = {
    clock: systemClock,
    random: seededRandom(seed),
    wait: (run, ms) => void setTimeout(run, ms),
  };
  const shape = { delayMs: profile.rttMs / 2, jitterMs: profile.jitterMs };
  const up = new LinkLane(deps, { mbitS: profile.uplinkMbitS, ...shape });
  const down = new LinkLane(deps, { mbitS: profile.downlinkMbitS, ...shape });
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (far) => {
    const broker = connect({ host: hostname, port: Number(port || 1883), noDelay: true });
    for (const socket of [far, broker]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    }
    carry(broker, far, up);
    carry(far, broker, down);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function carry(from: Socket, to: Socket, lane: LinkLane): void {
  let underWay = 0;
  from.on('data', (chunk: Buffer) => {
    underWay += chunk.length;
    if (underWay > BUFFER_BYTES) from.pause();
    lane.send(chunk.length, () => {
      underWay -= chunk.length;
      if (underWay <= BUFFER_BYTES) from.resume();
      if (!to.destroyed) to.write(chunk);
    });
  });
  from.on('end', () => lane.send(0, () => to.end()));
  from.on('error', () => to.destroy());
  from.on('close', () => lane.send(0, () => to.destroy()));
}
