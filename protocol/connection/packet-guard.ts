import type { Duplex } from 'node:stream';
import { failure } from './failure.js';

/** A length is at most four bytes of seven bits (MQTT 3.1.1, clause 2.2.3). */
const LENGTH_BYTES = 4;

/**
 * Ends a connection as soon as a packet announces more than `mostBytes`, before it is collected in memory. Brokers of
 * MQTT 5 are asked not to send such; those of 3.1.1 cannot be asked, and 256 MiB are allowed to them.
 */
export function guardIncoming(socket: Duplex, mostBytes: number): void {
  /** Bytes of the packet's body that are still to come; null while its header is read. */
  let left: number | null = null;
  let length = 0;
  let at = -1; // position in the header: -1 is its first byte
  const onData = (chunk: Buffer): void => {
    let offset = 0;
    while (offset < chunk.length) {
      if (left !== null) {
        const step = Math.min(left, chunk.length - offset);
        offset += step;
        left = left === step ? null : left - step;
        continue;
      }
      const byte = chunk.readUInt8(offset);
      offset += 1;
      if (at < 0) {
        [at, length] = [0, 0];
        continue;
      }
      length += (byte & 0x7f) * 128 ** at;
      at += 1;
      if (byte >= 0x80 && at < LENGTH_BYTES) continue;
      at = -1;
      if (length > mostBytes) {
        socket.off('data', onData);
        socket.destroy(tooLarge(length, mostBytes));
        return;
      }
      left = length > 0 ? length : null;
    }
  };
  socket.on('data', onData);
}

function tooLarge(bytes: number, mostBytes: number): Error {
  return failure(
    'broker',
    `the broker sent a packet of ${bytes} bytes, and ${mostBytes} are taken: set max_packet_size of the broker`,
  );
}
