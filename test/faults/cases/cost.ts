/** Pictures that are made to be dear: as many as their sender may send, beside cameras and devices that do no harm. */
import { existsSync, readFileSync } from 'node:fs';
import { costlyImages, flatPng, interlacedPng } from '../../support/costly-images.js';
import type { Claim, FaultCase } from '../support/play.js';
import { distinctImage } from '../support/images.js';
import type { Rig } from '../support/rig.js';
import { bothUp, moreResults, sleep, until } from './common.js';

/** 9 megapixels: as large as is decoded whole. */
const ADMITTED_SIDE = 3000;
/** 40 megapixels. */
const REFUSED_SIDE = 6320;
const PHASE_S = 10;
const BOMBS_PER_S = 5;
const HONEST = ['cam-1', 'cam-2', 'cam-3', 'cam-4'];
const HONEST_PER_S = 20;
const MIB = 1024 * 1024;
const MOBILE_ONLY = { policy: { mode: 'mobile-only' } };
/** Time enough that answers are counted, and not how busy the machine is; the bombs have a minute. */
const CLOUD_ONLY = { policy: { mode: 'cloud-only' }, offload: { deadlineMs: 2000, window: 64 } };

function withoutProc(): false | string {
  return existsSync('/proc/self/status') ? false : '/proc is not there';
}

/** What a process holds in memory, in bytes. */
function rssBytes(pid: number): number {
  const [, kib = '0'] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
  return 1024 * Number(kib);
}

interface Phase {
  answered: number;
  peakBytes: number;
}

/** Honest frames at a steady rate for a while, with `attack` called beside them `BOMBS_PER_S` times a second. */
async function phase(
  rig: Rig,
  { pid, counts, attack }: { pid: number; counts: () => number; attack?: (n: number) => void },
): Promise<Phase> {
  const before = counts();
  let peakBytes = 0;
  let bombs = 0;
  const startMs = performance.now();
  const timer = setInterval(() => {
    peakBytes = Math.max(peakBytes, rssBytes(pid));
    const due = ((performance.now() - startMs) / 1000) * BOMBS_PER_S;
    for (; attack && bombs < due; bombs += 1) attack(bombs);
  }, 20);
  rig.cameras.start({ rate: HONEST_PER_S, cameras: HONEST });
  await sleep(PHASE_S * 1000);
  rig.cameras.stop();
  await sleep(1000);
  clearInterval(timer);
  return { answered: counts() - before, peakBytes };
}

/** A calm phase and one under attack; honest frames keep nine tenths of their answers, and memory at most doubles. */
async function attacked(
  rig: Rig,
  claim: Claim,
  { pid, counts, attack }: { pid: number; counts: () => number; attack: (n: number) => void },
): Promise<string> {
  const calm = await phase(rig, { pid, counts });
  const under = await phase(rig, { pid, counts, attack });
  const after = await phase(rig, { pid, counts });
  claim(calm.answered > 0, 'frames are answered without an attack');
  claim(
    under.answered >= 0.9 * calm.answered,
    `${under.answered} honest frames are answered, ${calm.answered} in calm`,
  );
  claim(after.answered >= 0.9 * calm.answered, `${after.answered} are answered when it is over`);
  const times = under.peakBytes / calm.peakBytes;
  claim(times <= 2, `memory grows to ${times.toFixed(2)} times what it is in calm`);
  const mib = (bytes: number): string => (bytes / MIB).toFixed(0);
  return `honest frames answered in ${PHASE_S} s: ${calm.answered} in calm, ${under.answered} under attack, ${after.answered} after it; memory ${mib(calm.peakBytes)} MiB, ${mib(under.peakBytes)} MiB`;
}

/** Requests of one device's account, with a budget of a minute, so that no time limit helps. */
function bombServer(rig: Rig, images: readonly Uint8Array[]): (n: number) => void {
  return (n) => {
    const image = images[n % images.length] ?? new Uint8Array();
    const topic = `edgemux/offload/fashion-mnist/evil/f${n}/60000`;
    rig.watch.publish(topic, distinctImage(image, `bomb ${n}`)).catch(() => undefined);
  };
}

function serverBombs(name: string, what: string, images: () => Promise<readonly Uint8Array[]>): FaultCase {
  return {
    name,
    what,
    tier: 'full',
    needs: withoutProc,
    rig: { agent: CLOUD_ONLY },
    play: async (rig, claim) => {
      const bombs = await images();
      await bothUp(rig);
      rig.cameras.start({ rate: HONEST_PER_S, cameras: HONEST });
      await moreResults(rig, 40);
      rig.cameras.stop();
      const pid = rig.servers.get('s1')?.pid ?? NaN;
      const counts = (): number => rig.accountant.routes['cloud'] ?? 0;
      return attacked(rig, claim, { pid, counts, attack: bombServer(rig, bombs) });
    },
  };
}

/** Frames of `cameras`, by turns, in the middle of four honest ones. */
function deviceBombs(
  name: string,
  what: string,
  { cameras, images }: { cameras: readonly string[]; images: () => Promise<readonly Uint8Array[]> },
): FaultCase {
  return {
    name,
    what,
    tier: 'full',
    needs: withoutProc,
    rig: { agent: MOBILE_ONLY },
    play: async (rig, claim) => {
      const bombs = await images();
      let honest = 0;
      rig.accountant.onResult = ({ camera }) => {
        if (HONEST.includes(camera)) honest += 1;
      };
      const agent = await rig.startAgent();
      rig.cameras.start({ rate: HONEST_PER_S, cameras: HONEST });
      await moreResults(rig, 40);
      rig.cameras.stop();
      const attack = (n: number): void => {
        rig.cameras.publish(cameras[n % cameras.length] ?? '', bombs[n % bombs.length]);
      };
      const said = await attacked(rig, claim, { pid: agent.pid, counts: () => honest, attack });
      await rig.settle();
      const { drops = {}, refused = {} } = rig.accountant.state?.counters ?? {};
      return `${said}; drops ${JSON.stringify(drops)}, refused ${JSON.stringify(refused)}`;
    },
  };
}

const admitted = async (): Promise<Uint8Array[]> => Object.values(await costlyImages(ADMITTED_SIDE));
const refusedOnes = (): Promise<Uint8Array[]> => Promise.resolve([interlacedPng(REFUSED_SIDE, 8)]);

export const COST_CASES: readonly FaultCase[] = [
  serverBombs(
    'bombs-server-40mp',
    "one device's account asks the server about interlaced PNGs of 40 megapixels, 5 a second",
    refusedOnes,
  ),
  serverBombs(
    'bombs-server-9mp',
    "one device's account asks the server about interlaced and deep PNGs, progressive JPEGs and WebPs of 9 megapixels, 5 a second",
    admitted,
  ),
  deviceBombs('bombs-device-40mp', 'one camera sends interlaced PNGs of 40 megapixels, 5 a second', {
    cameras: ['bomb'],
    images: refusedOnes,
  }),
  ...Object.entries({
    interlaced: 'interlaced PNG of 64 bits a pixel',
    progressive: 'progressive JPEG',
    deep: 'PNG of 48 bits a pixel',
    webp: 'lossless WebP',
  } as const).map(([name, kind]) =>
    deviceBombs(
      `bombs-device-${name}`,
      `one camera of five sends pictures of 9 megapixels (${kind}), 5 a second`,
      {
        cameras: ['bomb'],
        images: async () => [(await costlyImages(ADMITTED_SIDE))[kind] ?? new Uint8Array()],
      },
    ),
  ),
  deviceBombs(
    'bombs-device-many',
    'four cameras of eight send pictures of 9 megapixels of every kind, 5 a second altogether',
    { cameras: ['bomb-1', 'bomb-2', 'bomb-3', 'bomb-4'], images: admitted },
  ),
  {
    name: 'memory-waiting',
    what: '1,000 cameras send a picture each that takes 30 ms to decode, and 60 kB that are no picture after each',
    tier: 'full',
    needs: withoutProc,
    rig: {
      agent: {
        ...MOBILE_ONLY,
        inference: { providers: ['cpu'], threads: 1, pipelineDepth: 1 },
        offload: { deadlineMs: 60_000 },
      },
    },
    play: async (rig, claim) => {
      const [picture, junk] = [flatPng(2900), new Uint8Array(60_000).fill(7)];
      const agent = await rig.startAgent();
      rig.cameras.start({ rate: 20, cameras: HONEST, image: () => picture });
      await moreResults(rig, 40);
      rig.cameras.stop();
      await sleep(2000);
      const before = rssBytes(agent.pid);
      for (let n = 0; n < 1000; n += 1) {
        rig.cameras.publish(`camera-${n}`, picture);
        rig.watch.publish('cameras/junk/frame', junk).catch(() => undefined);
        if (n % 20 === 0) await sleep(20);
      }
      const refused = (): number => rig.accountant.state?.counters.refused['not-an-image'] ?? 0;
      await until('all that is no picture has been refused', () => refused() >= 1000);
      await sleep(2000);
      const waiting = rig.accountant.state?.queue.waiting ?? 0;
      const grown = rssBytes(agent.pid) - before;
      const accounted = waiting * (picture.length + 3072);
      claim(waiting > 200, `${waiting} frames wait`);
      claim(grown <= 1.3 * accounted + 32 * MIB, `memory grows by ${grown} bytes for ${accounted} accounted`);
      await rig.settle(120_000);
      return `${waiting} frames waiting, ${(accounted / MIB).toFixed(1)} MiB accounted, memory grown by ${(grown / MIB).toFixed(1)} MiB`;
    },
  },
];
