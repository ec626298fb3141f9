import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { systemClock } from '../../common/clock.js';
import { silentLog } from '../../common/log.js';
import { SHIPPED_ZOO } from '../../mux/config.js';
import { Connection } from '../../protocol/connection/connection.js';
import { startAedes } from '../support/broker.js';
import { until } from '../support/until.js';
import type { Held } from './support/waiting-frames.js';

const MIB = 1024 * 1024;
const CHILD = fileURLToPath(new URL('support/waiting-frames.js', import.meta.url));
const CAMERAS = 2000;
/** Published at a time: the child takes them in before more are sent. */
const AT_ONCE = 50;
/** Between the frames, refused: so that each frame comes in a chunk of the socket with 60 kB that nobody needs. */
const JUNK = new Uint8Array(60_000).fill(7);

async function held(child: ChildProcess): Promise<Held> {
  child.send('?');
  const [message] = (await once(child, 'message')) as [Held];
  return message;
}

t.test(
  'waiting frames hold no more memory than they are accounted for, however they came',
  { timeout: 170_000 },
  async (t) => {
    const broker = await startAedes();
    t.teardown(() => broker.stop());
    const child = fork(CHILD, [broker.url], { execArgv: ['--expose-gc'] });
    t.teardown(() => child.kill());
    await once(child, 'message'); // it listens
    const camera = new Connection(
      { log: silentLog(), clock: systemClock },
      { url: broker.url, clientId: 'c' },
    );
    t.teardown(() => camera.stop());
    camera.start();
    await camera.ready(60_000);
    const picture = readFileSync(join(SHIPPED_ZOO, 'samples', 'bag.jpg'));
    let sent = 0;
    const taken = (): Promise<true> =>
      until('the frames are taken in', async () => (await held(child)).received === 2 * sent, 120_000);
    const sendTo = async (cameras: number): Promise<Held> => {
      while (sent < cameras) {
        void camera.publish(`cameras/c${sent}/frame`, picture);
        await camera.publish('cameras/junk/frame', JUNK);
        sent += 1;
        if (sent % AT_ONCE === 0) await taken();
      }
      return held(child);
    };
    const before = await sendTo(AT_ONCE);
    const after = await sendTo(CAMERAS);
    t.equal(after.waiting, CAMERAS - 1, 'one is in work');
    const accounted = after.accountedBytes - before.accountedBytes;
    const grown = after.rssBytes - before.rssBytes;
    t.comment(`${(grown / MIB).toFixed(1)} MiB grown, ${(accounted / MIB).toFixed(1)} MiB accounted`);
    t.ok(accounted < 16 * MIB, 'a chunk of the socket for each would be 125 MiB');
    t.ok(grown <= 1.3 * accounted + 32 * MIB, `${grown} bytes grown, ${accounted} accounted`);
  },
);
