/** Bytes from something that is no good broker: what our end of the connection makes of them. */
import net from 'node:net';
import { openSession } from '../../../protocol/connection/mqtt.js';
import type { Dice } from '../dice.js';
import { refusalOr, type Door } from '../door.js';
import { deliverable, hostileName } from '../hostile.js';
import { mutateBytes } from '../mutate-bytes.js';

const CONNACK = { 4: Buffer.from([0x20, 2, 0, 0]), 5: Buffer.from([0x20, 3, 0, 0, 0]) } as const;

export const brokerLine: Door = {
  name: 'broker-line',
  cases: 300,
  async open() {
    let script: Buffer[] = [];
    const server = net.createServer((socket) => {
      socket
        .on('error', () => undefined)
        .once('data', () => {
          for (const part of script) socket.write(part);
          socket.end();
        });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as net.AddressInfo;
    return {
      knock(dice) {
        const version = dice.pick([4, 5] as const);
        script = speech(version, dice);
        return refusalOr(() => visit(port, version), 'ended');
      },
      close: () => new Promise((resolve) => server.close(() => resolve())),
    };
  },
};

async function visit(port: number, version: 4 | 5): Promise<void> {
  const options = {
    address: { host: '127.0.0.1', port, tls: false },
    clientId: 'fuzz',
    version,
    keepaliveS: 10,
    connectTimeoutMs: 2000,
  };
  const session = await openSession(options, () => undefined, new AbortController().signal);
  await session.ended;
}

function speech(version: 4 | 5, dice: Dice): Buffer[] {
  const sound = [publish(version, dice), Buffer.from([0xd0, 0]), Buffer.from([0x40, 2, 0, 9])];
  const hello = dice.chance(0.8) ? CONNACK[version] : mutateBytes(CONNACK[version], dice, sound);
  const rest = Array.from({ length: dice.below(4) }, () => mutateBytes(dice.pick(sound), dice, sound));
  return [hello, ...rest];
}

/** PUBLISH, QoS 0. */
function publish(version: 4 | 5, dice: Dice): Buffer {
  const topic = Buffer.from(deliverable(hostileName(dice)).slice(0, 40));
  const length = Buffer.from([topic.length >> 8, topic.length & 0xff]);
  const body = Buffer.concat([
    length,
    topic,
    version === 5 ? Buffer.from([0]) : Buffer.alloc(0),
    dice.bytes(20),
  ]);
  return Buffer.concat([Buffer.from([0x30, body.length % 128]), body]);
}
