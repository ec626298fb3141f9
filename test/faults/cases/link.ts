/** The device's line is slow, late, torn again and again, or turns bits over. */
import type { LineConditions } from '../../support/fault-line.js';
import type { FaultCase } from '../support/play.js';
import type { Rig } from '../support/rig.js';
import { bothUp, counter, moreResults, sleep, stream } from './common.js';

const CLOUD_ONLY = { policy: { mode: 'cloud-only' } };

/** Frames before, during and after `seconds` of a bad line. */
async function badLine(rig: Rig, conditions: Partial<LineConditions>, seconds: number): Promise<void> {
  await bothUp(rig);
  stream(rig);
  await moreResults(rig, 20);
  rig.line.be(conditions);
  await sleep(seconds * 1000);
  rig.line.be({});
  await moreResults(rig, 20);
}

export const LINK_CASES: readonly FaultCase[] = [
  {
    name: 'link-256k',
    what: "the device's line at 256 kbit/s each way for 15 s, frames of 40 a second offloaded",
    tier: 'full',
    rig: { agent: CLOUD_ONLY },
    play: async (rig) => {
      await badLine(rig, { bitsPerS: 256_000 }, 15);
      return undefined;
    },
  },
  {
    name: 'link-300ms-each-way',
    what: '300 ms of delay each way for 10 s, deadline 500 ms: every answer is late',
    tier: 'full',
    rig: { agent: CLOUD_ONLY },
    play: async (rig, claim) => {
      await badLine(rig, { delayMs: 300 }, 10);
      const late = counter(rig, 'lateAnswers');
      claim(late > 0, 'late answers are counted');
      return `${late} late answers counted`;
    },
  },
  {
    name: 'link-300ms-long-deadline',
    what: '300 ms of delay each way for 10 s, deadline 2 s: answers are in time',
    tier: 'full',
    rig: { agent: { ...CLOUD_ONLY, offload: { deadlineMs: 2000, window: 64 } } },
    play: async (rig, claim) => {
      await badLine(rig, { delayMs: 300 }, 10);
      claim((rig.accountant.routes['cloud'] ?? 0) > 40, 'the server answers over a late line');
      return undefined;
    },
  },
  {
    name: 'link-cuts',
    what: "5 % of what passes cuts the device's line, for 6 s",
    tier: 'short',
    play: async (rig, claim) => {
      const before = rig.line.opened;
      await badLine(rig, { cutShare: 0.05 }, 6);
      const lines = rig.line.opened - before;
      claim(lines > 2, 'the line was cut and made again');
      return `${lines} lines made`;
    },
  },
  {
    name: 'link-server-cuts',
    what: "5 % of what passes cuts the server's line, for 10 s",
    tier: 'full',
    rig: { agent: CLOUD_ONLY },
    play: async (rig, claim) => {
      await bothUp(rig);
      stream(rig);
      await moreResults(rig, 20);
      rig.serverLine.be({ cutShare: 0.05 });
      await sleep(10_000);
      rig.serverLine.be({});
      await rig.served('s1');
      await moreResults(rig, 20);
      claim(rig.serverLine.opened > 3, 'the line was cut and made again');
      return `${rig.serverLine.opened} lines made`;
    },
  },
  {
    name: 'link-corrupt',
    what: '2 % of what comes to the device has a bit turned over, for 10 s',
    tier: 'full',
    rig: { mayAlter: true },
    play: async (rig, claim) => {
      await badLine(rig, { corruptShare: 0.02 }, 10);
      await rig.settle();
      claim(rig.line.corrupted > 0, 'something was corrupted');
      const { received, refused } = rig.accountant.state?.counters ?? { received: 0, refused: {} };
      const turned = Object.values(refused).reduce((sum, n) => sum + n, 0);
      const { altered } = rig.accountant;
      return `${rig.line.corrupted} pieces corrupted; of ${received} images ${turned} were refused, ${altered} altered ones answered`;
    },
  },
];
