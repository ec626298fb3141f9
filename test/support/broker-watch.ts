import { systemClock } from '../../common/clock.js';
import { silentLog } from '../../common/log.js';
import { Connection, type ConnectionOptions, type Message } from '../../protocol/connection/connection.js';

/** How long a test waits for what must happen, in milliseconds: generous, since it only costs when it fails. */
export const PATIENCE_MS = 15_000;

let serial = 0;

/** A connection to `url`, not started. */
export function connectionTo(url: string, options: Partial<ConnectionOptions> = {}): Connection {
  serial += 1;
  return new Connection(
    { log: silentLog(), clock: systemClock },
    { url, clientId: `test-${process.pid}-${serial}`, ...options },
  );
}

/** A connection that is up. */
export async function connected(url: string, options: Partial<ConnectionOptions> = {}): Promise<Connection> {
  const connection = connectionTo(url, options);
  connection.start();
  await connection.ready(PATIENCE_MS);
  return connection;
}

/** Collects what comes on a filter. */
export async function collect(connection: Connection, filter: string): Promise<Message[]> {
  const messages: Message[] = [];
  await connection.subscribe(filter, { qos: 1 }, (message) => void messages.push(message));
  return messages;
}

/** The payload as text. */
export function textOf(message: Message | undefined): string {
  return message === undefined ? '' : Buffer.from(message.payload).toString();
}
