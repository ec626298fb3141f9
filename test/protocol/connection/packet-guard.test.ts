import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import t from 'tap';
import { guardIncoming } from '../../../protocol/connection/packet-guard.js';
import { startAedes } from '../../support/broker.js';
import { collect, connected } from '../../support/broker-watch.js';
import { until } from '../../support/until.js';

function packet(bytes: number): Buffer {
  const length: number[] = [];
  for (let rest = bytes; ; rest = Math.floor(rest / 128)) {
    length.push(rest >= 128 ? (rest % 128) | 0x80 : rest);
    if (rest < 128) break;
  }
  return Buffer.concat([Buffer.from([0x30, ...length]), Buffer.alloc(bytes, 0xff)]);
}

/** Writes the packets in pieces of `step` bytes; resolves with the error that ended the stream, or null. */
async function sent(packets: number[], step: number, most: number): Promise<Error | null> {
  const stream = new PassThrough();
  guardIncoming(stream, most);
  let error: Error | null = null;
  stream.on('error', (cause) => (error = cause));
  const all = Buffer.concat(packets.map(packet));
  for (let at = 0; at < all.length && !stream.destroyed; at += step)
    stream.write(all.subarray(at, at + step));
  await new Promise((resolve) => setImmediate(resolve));
  return error;
}

t.test(
  'packets of any size up to the limit pass in pieces of any size; the first larger one ends it',
  async (t) => {
    const sizes = fc.array(fc.oneof(fc.nat(300), fc.constantFrom(0, 127, 128, 16_383, 16_384)), {
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(
        sizes,
        fc.integer({ min: 1, max: 5000 }),
        fc.nat(20_000),
        async (packets, step, most) => {
          const error = await sent(packets, step, most);
          return (error !== null) === packets.some((bytes) => bytes > most);
        },
      ),
      { numRuns: 200 },
    );
    t.match(await sent([5, 2000], 7, 1999), {
      code: 'BROKER_UNREACHABLE',
      message: /a packet of 2000 bytes, and 1999 are taken: set max_packet_size/,
    });
  },
);

t.test(
  'over MQTT 3.1.1 a packet that is too large is not collected, and the connection comes back',
  async (t) => {
    const broker = await startAedes();
    t.teardown(() => broker.stop());
    const guarded = await connected(broker.url, { version: 4, maxIncomingPacketBytes: 10_000 });
    const sender = await connected(broker.url, { version: 4 });
    t.teardown(() => Promise.all([guarded.stop(), sender.stop()]));
    const seen = await collect(guarded, 'a');
    await sender.publish('a', Buffer.alloc(9000), { qos: 1 });
    await until('the small one', () => seen.length === 1);
    await sender.publish('a', Buffer.alloc(4_000_000), { qos: 1 });
    await until('the end of the connection', () => guarded.lastFailure !== null);
    t.match(guarded.lastFailure?.message, /a packet of 4000\d\d\d bytes/);
    await guarded.ready(15_000);
    await sender.publish('a', Buffer.alloc(10), { qos: 1 });
    await until('the next one', () => seen.length === 2);
  },
);
