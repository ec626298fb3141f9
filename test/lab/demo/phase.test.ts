import t from 'tap';
import { systemClock } from '../../../common/clock.js';
import type { DemoFrame } from '../../../lab/demo/images.js';
import { Phase, playClosedLoop } from '../../../lab/demo/phase.js';
import type { Connection } from '../../../protocol/connection/connection.js';

const FRAMES: DemoFrame[] = Array.from({ length: 30 }, (_, at) => ({
  camera: `c${at % 3}`,
  image: Buffer.from([at]),
  truth: 0,
}));

void t.test('the closed loop goes on at once where the device drops instead of answering', async (t) => {
  let dropped = 7;
  const connection = {
    publish: (): Promise<void> => {
      dropped += 1;
      return Promise.resolve();
    },
  } as unknown as Connection;
  const phase = new Phase();
  const deps = { clock: systemClock, connection, signal: new AbortController().signal };
  // a wait for one lost answer would outlast the test
  const options = { outstanding: 3, patienceMs: 600_000, dropped: () => dropped };
  t.equal(await playClosedLoop(deps, phase, FRAMES, options), 0, 'no results a second');
  t.equal(phase.published, FRAMES.length);
});
