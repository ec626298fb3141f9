/**
 * A program with one connection, for tests that kill it: `node broker-client.js <url> <version> <status topic>`
 * prints `ready` once connected.
 */
import { systemClock } from '../../common/clock.js';
import { silentLog } from '../../common/log.js';
import { Connection } from '../../protocol/connection/connection.js';

const [url = '', version = '4', topic = 'edgemux/killed/status'] = process.argv.slice(2);
const connection = new Connection(
  { log: silentLog(), clock: systemClock },
  {
    url,
    clientId: 'broker-client',
    version: version === '5' ? 5 : 4,
    will: { topic, payload: 'offline' },
    online: { topic, payload: 'online' },
  },
);
connection.start();
await connection.ready(10_000);
process.stdout.write('ready\n');
