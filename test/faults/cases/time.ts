/** Pictures that are too old, or come too late to be started: by their stamp, by the line, by our own standstill. */
import type { FaultCase } from '../support/play.js';
import { distinctImage, testJpegs } from '../support/images.js';
import { flatPng } from '../../support/costly-images.js';
import { CAMERAS, moreResults, results, sleep, stream, until } from './common.js';

const MOBILE_ONLY = { policy: { mode: 'mobile-only' } };
const STANDS_S = 4;

/** Counts drops of the device as it last said them. */
function dropped(rig: Parameters<FaultCase['play']>[0], cause: string): number {
  return rig.accountant.state?.counters.drops[cause] ?? 0;
}

export const TIME_CASES: readonly FaultCase[] = [
  {
    name: 'picture-old',
    what: 'one camera stamps its pictures five seconds old (captured-at) beside four of new ones; cameras.maxAgeMs is 1 s',
    tier: 'full',
    rig: { agent: { ...MOBILE_ONLY, cameras: { maxAgeMs: 1000 } } },
    play: async (rig, claim) => {
      let old = 0;
      rig.accountant.onResult = ({ camera }) => {
        if (camera === 'old') old += 1;
      };
      await rig.startAgent();
      const [jpeg = new Uint8Array()] = await testJpegs(1);
      stream(rig);
      for (let n = 0; n < 20; n += 1) {
        const image = distinctImage(jpeg, `old ${n}`);
        rig.accountant.publish(image);
        const userProperties = { 'captured-at': String(Date.now() - 5000) };
        await rig.watch.publish('cameras/old/frame', image, { properties: { userProperties } });
        await sleep(100);
      }
      await moreResults(rig, 20);
      await rig.settle();
      claim(old === 0, `${old} old pictures are answered`);
      claim(dropped(rig, 'stale') === 20, `${dropped(rig, 'stale')} of 20 are counted as stale`);
      return '20 old pictures counted as stale';
    },
  },
  {
    name: 'agent-stands-still',
    what: `device stopped for ${STANDS_S} s (SIGSTOP) while cameras go on, and continued`,
    tier: 'full',
    rig: { agent: MOBILE_ONLY },
    play: async (rig, claim) => {
      const answered = new Set<number>();
      rig.accountant.onResult = (_, image) => void answered.add(image);
      const agent = await rig.startAgent();
      stream(rig);
      await moreResults(rig, 80);
      agent.signal('SIGSTOP');
      const first = rig.accountant.published;
      await sleep(STANDS_S * 1000);
      // what came in the last second may have been in time
      const last = rig.accountant.published - 40;
      agent.signal('SIGCONT');
      await moreResults(rig, 80);
      await rig.settle();
      const sold = [...answered].filter((image) => image >= first && image < last).length;
      claim(sold === 0, `${sold} pictures that lay there unread are answered as new`);
      claim(dropped(rig, 'expired') > 0, 'they are counted as expired');
      return `${dropped(rig, 'expired')} pictures counted as expired`;
    },
  },
  {
    name: 'line-stands-still',
    what: `the device's line passes nothing for ${STANDS_S} s, then all at once; cameras.maxAgeMs is 1 s, cameras stamp nothing`,
    tier: 'full',
    rig: { agent: { ...MOBILE_ONLY, cameras: { maxAgeMs: 1000 } } },
    play: async (rig, claim) => {
      const answered = new Set<number>();
      rig.accountant.onResult = (_, image) => void answered.add(image);
      await rig.startAgent();
      stream(rig);
      await moreResults(rig, 120);
      rig.line.freeze();
      await sleep(1000); // a question a second: pictures of the first are not known to have waited
      const first = rig.accountant.published;
      await sleep((STANDS_S - 2) * 1000);
      const last = rig.accountant.published;
      await sleep(1000);
      rig.line.thaw();
      await moreResults(rig, 80);
      await rig.settle();
      claim(dropped(rig, 'stale') > 0, 'pictures that waited on the line are counted as stale');
      const sold = [...answered].filter((image) => image >= first && image < last).length;
      claim(sold === 0, `${sold} of ${last - first} in the middle of the standstill are answered as new`);
      return `${dropped(rig, 'stale')} pictures counted as stale`;
    },
  },
  {
    name: 'line-too-slow',
    what: 'cameras send twice what the line carries for 15 s, without stamps; cameras.maxAgeMs is 2 s',
    tier: 'full',
    rig: { agent: { ...MOBILE_ONLY, cameras: { maxAgeMs: 2000 } } },
    play: async (rig, claim) => {
      let said = false;
      rig.accountant.onState = ({ health }) => {
        said ||= health.warnings.some((line) => line.includes('on the line from the broker'));
      };
      await rig.startAgent();
      stream(rig);
      await moreResults(rig, 80);
      const bytes = (await testJpegs(1))[0]?.length ?? 0;
      rig.line.be({ bitsPerS: 8 * 20 * (bytes + 80) });
      await sleep(15_000);
      const before = results(rig);
      rig.line.be({});
      await moreResults(rig, 80);
      await rig.settle();
      claim(dropped(rig, 'stale') > 0, 'pictures that waited on the line are counted as stale');
      claim(said, 'health says that the line is too slow');
      return `${dropped(rig, 'stale')} pictures counted as stale, ${before} answered before the line was good again`;
    },
  },
  {
    name: 'deadline-before-start',
    what: 'forty cameras send a picture each at once, which take 30 ms to decode, one at a time; deadline 200 ms',
    tier: 'full',
    rig: {
      agent: {
        ...MOBILE_ONLY,
        inference: { providers: ['cpu'], threads: 1, pipelineDepth: 1 },
        offload: { deadlineMs: 200 },
      },
    },
    play: async (rig, claim) => {
      const picture = flatPng(2900);
      await rig.startAgent();
      stream(rig);
      await moreResults(rig, 40);
      rig.cameras.stop();
      for (let round = 0; round < 5; round += 1) {
        for (let n = 0; n < 40; n += 1) rig.cameras.publish(`camera-${n}`, picture);
        await sleep(500);
      }
      const warned = (): boolean =>
        rig.accountant.state?.health.warnings.some((line) => line.includes('offload.deadlineMs')) ?? false;
      await until('health says that frames wait too long', warned);
      stream(rig);
      await moreResults(rig, CAMERAS.length * 10);
      await rig.settle();
      claim(dropped(rig, 'expired') > 0, 'frames that cannot start in time are counted as expired');
      return `${dropped(rig, 'expired')} of 200 counted as expired`;
    },
  },
];
