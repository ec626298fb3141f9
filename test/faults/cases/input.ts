/** More frames than the device can take, from all cameras or from one. */
import sharp from 'sharp';
import type { FaultCase } from '../support/play.js';
import type { Rig } from '../support/rig.js';
import { CAMERAS, moreResults, results, sleep, until } from './common.js';

const FLOOD_FACTOR = 20;
const CAPACITY_S = 3;
const FLOOD_S = 5;
const MOBILE_ONLY = { policy: { mode: 'mobile-only' } };

/** A plain picture that is cheap to send and costs milliseconds to decode, so that a flood need not be a huge one. */
async function expensiveJpeg(): Promise<Uint8Array> {
  const [height, width] = [1200, 1600];
  const pixels = Buffer.alloc(height * width, 0x80);
  const shrunk = await sharp(pixels, { raw: { height, width, channels: 1 } })
    .jpeg({ quality: 30 })
    .toBuffer();
  return new Uint8Array(shrunk);
}

/** Results a second while more frames wait than can be answered. */
async function capacity(rig: Rig, picture: Uint8Array): Promise<number> {
  rig.cameras.start({ rate: 400, cameras: CAMERAS, image: () => picture });
  await moreResults(rig, 10);
  const before = results(rig);
  await sleep(CAPACITY_S * 1000);
  const perS = (results(rig) - before) / CAPACITY_S;
  rig.cameras.stop();
  return perS;
}

export const INPUT_CASES: readonly FaultCase[] = [
  {
    name: 'flood-20x',
    what: `cameras send ${FLOOD_FACTOR} times what the device can answer, for ${FLOOD_S} s`,
    tier: 'full',
    rig: { agent: MOBILE_ONLY },
    play: async (rig, claim) => {
      const picture = await expensiveJpeg();
      await rig.startAgent();
      const perS = await capacity(rig, picture);
      rig.cameras.start({ rate: FLOOD_FACTOR * perS, cameras: CAMERAS, image: () => picture });
      const before = { results: results(rig), published: rig.accountant.published };
      await sleep(FLOOD_S * 1000);
      const inFlood = (results(rig) - before.results) / FLOOD_S;
      const sent = (rig.accountant.published - before.published) / FLOOD_S;
      rig.cameras.stop();
      claim(sent > 2 * perS, 'the flood is more than the device can answer');
      claim(inFlood > 0, 'the device goes on answering');
      await rig.settle();
      claim((rig.accountant.state?.counters.drops['superseded'] ?? 0) > 0, 'what has no place is counted');
      return `${perS.toFixed(0)} frames/s can be answered, ${sent.toFixed(0)} came, ${inFlood.toFixed(0)} were answered`;
    },
  },
  {
    name: 'flood-one-camera',
    what: 'one camera sends 400 frames/s of large pictures, three quiet ones a frame now and then',
    tier: 'full',
    rig: { agent: MOBILE_ONLY },
    play: async (rig, claim) => {
      const picture = await expensiveJpeg();
      const quiet = ['quiet-1', 'quiet-2', 'quiet-3'];
      const answered = new Map<string, number>();
      let worstMs = 0;
      rig.accountant.onResult = ({ camera, latencyMs }) => {
        answered.set(camera, (answered.get(camera) ?? 0) + 1);
        if (camera !== 'loud') worstMs = Math.max(worstMs, latencyMs.total);
      };
      await rig.startAgent();
      rig.cameras.start({ rate: 400, cameras: ['loud'], image: () => picture });
      const rounds = 10;
      for (let round = 1; round <= rounds; round += 1) {
        for (const camera of quiet) rig.cameras.publish(camera);
        const all = (): boolean => quiet.every((camera) => (answered.get(camera) ?? 0) === round);
        await until(`all quiet cameras have result ${round}`, all, 10_000);
        await sleep(200);
      }
      await rig.settle();
      const ofQuiet = quiet.reduce((n, camera) => n + (answered.get(camera) ?? 0), 0);
      claim(ofQuiet === rounds * quiet.length, `${ofQuiet} frames of quiet cameras are answered`);
      const loud = answered.get('loud') ?? 0;
      return `quiet cameras: ${ofQuiet} of ${rounds * quiet.length} answered, the slowest in ${worstMs.toFixed(0)} ms; loud one: ${loud} answered`;
    },
  },
];
