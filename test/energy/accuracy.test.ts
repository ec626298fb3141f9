/** Energies of simulated rails against the known truth of their load. */
import t from 'tap';
import { apportion } from '../../energy/apportion.js';
import type { Occupancy } from '../../energy/occupancy.js';
import { windowEnergy } from '../../energy/integrate.js';
import { RailFollower } from '../../energy/rail-follower.js';
import { seededRandom } from '../../common/random.js';
import type { LoadStep } from '../../drivers/simulation/load.js';
import { sampleSimulatedRail, truthJ } from './simulated-rail.js';

const BURST_MS = 5;
const IDLE_W = 3.2;
const BURST_W = 9.6;

/** Steps of 1 to 80 ms between 1 and 15 W. */
function varyingLoad(endMs: number, seed: number): LoadStep[] {
  const random = seededRandom(seed);
  const steps: LoadStep[] = [];
  for (let fromMs = 0; fromMs < endMs; fromMs += 1 + 79 * random()) {
    steps.push({ fromMs, powerW: 1 + 14 * random() });
  }
  return steps;
}

/** Bursts at random phases, 15 to 35 ms apart. */
function bursts(count: number, seed: number): { steps: LoadStep[]; startsMs: number[]; endMs: number } {
  const random = seededRandom(seed);
  const steps: LoadStep[] = [{ fromMs: 0, powerW: IDLE_W }];
  const startsMs: number[] = [];
  let tMs = 1000;
  for (let i = 0; i < count; i += 1) {
    steps.push({ fromMs: tMs, powerW: BURST_W }, { fromMs: tMs + BURST_MS, powerW: IDLE_W });
    startsMs.push(tMs);
    tMs += BURST_MS + 15 + 20 * random();
  }
  return { steps, startsMs, endMs: tMs + 100 };
}

t.test('60 s of varying load at 1 kHz: the total is within 0.5 % of the truth', async (t) => {
  for (const clockSpeed of [0.95, 1, 1.02, 1.08]) {
    const { sampled, load } = sampleSimulatedRail({
      steps: varyingLoad(60_000, 11),
      endMs: 60_000,
      clockSpeed,
    });
    const follower = new RailFollower(sampled, { idleWindowMs: 1e4 });
    follower.catchUp(() => false);
    const fromMs = sampled.ring.stat('firstMs');
    const toMs = sampled.ring.stat('lastMs');
    const error = follower.integral.energyJ / truthJ(load, fromMs, toMs) - 1;
    t.ok(Math.abs(error) < 0.005, `chip clock x${clockSpeed}: ${(error * 100).toFixed(3)} %`);
    t.equal(sampled.ring.stat('gaps'), 0);
  }
});

t.test('1,200 bursts of 5 ms at random phase: their mean is within 1 %, net and gross', async (t) => {
  const { steps, startsMs, endMs } = bursts(1200, 5);
  const { sampled } = sampleSimulatedRail({ steps, endMs });
  const follower = new RailFollower(sampled, { idleWindowMs: 1e4 });
  const idleUntilMs = startsMs[0] ?? 0;
  follower.catchUp((_fromMs, toMs) => toMs < idleUntilMs);
  const idleW = follower.baseline.powerW ?? NaN;
  t.ok(Math.abs(idleW / IDLE_W - 1) < 0.002, `idle learned: ${idleW.toFixed(4)} W`);
  const occupancies = startsMs.map((startMs, frame): Occupancy => ({
    frame,
    stage: 'local',
    startMs,
    endMs: startMs + BURST_MS,
    provisional: false,
  }));
  const found = occupancies.map((occupancy) => {
    const window = follower.cells(occupancy.startMs, occupancy.endMs);
    const all = occupancies.slice(Math.max(0, occupancy.frame - 1), occupancy.frame + 2);
    return apportion(occupancy.frame, window?.cells ?? [], all, { idleW, given: follower.given });
  });
  for (const [key, trueJ] of [
    ['netJ', ((BURST_W - IDLE_W) * BURST_MS) / 1e3],
    ['grossJ', (BURST_W * BURST_MS) / 1e3],
  ] as const) {
    const ratios = found.map((each) => each[key] / trueJ);
    const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
    const spread = Math.sqrt(ratios.reduce((sum, ratio) => sum + (ratio - mean) ** 2, 0) / ratios.length);
    t.ok(Math.abs(mean - 1) < 0.01, `${key}: mean off by ${((mean - 1) * 100).toFixed(2)} %`);
    t.comment(`${key} of a single 5 ms burst at 1 kHz: standard deviation ${(spread * 100).toFixed(1)} %`);
  }
});

t.test('the plain trapezoid over exactly the burst leaves its smeared edges behind', async (t) => {
  const { steps, startsMs, endMs } = bursts(600, 6);
  const { sampled } = sampleSimulatedRail({ steps, endMs });
  const ratios = startsMs.map((fromMs) => {
    const window = { fromMs, toMs: fromMs + BURST_MS };
    const samples = sampled.ring.window(fromMs - 3, fromMs + BURST_MS + 3);
    const { energyJ } = windowEnergy(samples, window, sampled.gapMs);
    return energyJ / ((BURST_W * BURST_MS) / 1e3);
  });
  const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
  t.ok(mean > 0.9 && mean < 0.98, `${((mean - 1) * 100).toFixed(1)} %: why frames are not measured this way`);
});

t.test('a bus that is dead for 2 s: the gap is known, and adds neither energy nor time', async (t) => {
  const { sampled } = sampleSimulatedRail({
    steps: [{ fromMs: 0, powerW: 5 }],
    endMs: 6000,
    faults: [{ kind: 'nack', fromMs: 2000, toMs: 4000 }],
  });
  const follower = new RailFollower(sampled, { idleWindowMs: 1e4 });
  follower.catchUp(() => true);
  const { integral } = follower;
  t.equal(sampled.ring.stat('gaps'), 1);
  const gapMs = sampled.ring.stat('gapMs');
  t.ok(gapMs > 2000 && gapMs < 2300, `${gapMs.toFixed(0)} ms`);
  t.ok(Math.abs(integral.coveredMs + gapMs - 6000) < 10);
  t.ok(Math.abs(integral.energyJ / ((5 * integral.coveredMs) / 1e3) - 1) < 0.002);
  t.equal(follower.cells(1990, 2010), null, 'a frame in the gap has no energy');
  t.not(follower.cells(1000, 1010), null);
});
