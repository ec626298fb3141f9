/** Mean net energies against the true energy over idle, with a sampler that is starved most when there is work. */
import t from 'tap';
import type { Stage } from '../../common/activity.js';
import { seededRandom } from '../../common/random.js';
import type { LoadStep } from '../../drivers/simulation/load.js';
import { apportion } from '../../energy/apportion.js';
import type { Occupancy } from '../../energy/occupancy.js';
import { RailFollower } from '../../energy/rail-follower.js';
import { sampleSimulatedRail, truthJ, type Simulated } from './simulated-rail.js';

const IDLE_W = 3.2;
const STAGE_W: Record<Stage, number> = {
  decode: 1.2,
  mux: 3.4,
  local: 3.4,
  encode: 1.2,
  upload: 5.5,
  wait: 0,
};
const BRIDGE_MS = 40;
const FRAMES = 1200;
const START_MS = 1000;
/** Frames further apart in their order never overlap. */
const NEAR = 12;

type Random = () => number;

/** The stages of frames of some cameras: decoders beside each other, one inference worker, one radio. */
function schedule(offloadShare: number, cameras: number, random: Random): Occupancy[] {
  const free = { worker: 0, radio: 0 };
  const all: Occupancy[] = [];
  for (let frame = 0; frame < FRAMES; frame += 1) {
    let nowMs = START_MS + (Math.floor(frame / cameras) * 60 + 25 * random());
    const occupy = (stage: Stage, lengthMs: number, resource?: keyof typeof free): void => {
      const startMs = resource ? Math.max(nowMs, free[resource]) : nowMs;
      nowMs = startMs + lengthMs;
      if (resource) free[resource] = nowMs;
      all.push({ frame, stage, startMs, endMs: nowMs, provisional: false });
    };
    const offloaded = random() < offloadShare;
    occupy('decode', 1 + 5 * random());
    if (offloadShare > 0 && offloadShare < 1) occupy('mux', 0.5 + random(), 'worker');
    if (!offloaded) {
      occupy('local', 2 + 6 * random(), 'worker');
      continue;
    }
    occupy('encode', 1 + random());
    occupy('upload', 3 + 6 * random(), 'radio');
    occupy('wait', 4 + 20 * random());
  }
  return all;
}

/** The power that those stages draw together, step by step. */
function loadOf(occupancies: readonly Occupancy[]): LoadStep[] {
  const edges = occupancies
    .flatMap(({ stage, startMs, endMs }) => [
      { tMs: startMs, changeW: STAGE_W[stage] },
      { tMs: endMs, changeW: -STAGE_W[stage] },
    ])
    .sort((a, b) => a.tMs - b.tMs);
  let powerW = IDLE_W;
  return [
    { fromMs: 0, powerW },
    ...edges.map(({ tMs, changeW }) => ({ fromMs: tMs, powerW: (powerW += changeW) })),
  ];
}

interface Play {
  occupancies: Occupancy[];
  simulated: Simulated;
  endMs: number;
}

/** A run with gaps of 11 to 35 ms: three times as likely while there is work. */
function play(offloadShare: number, cameras: number, seed: number): Play {
  const random = seededRandom(seed);
  const occupancies = schedule(offloadShare, cameras, random);
  const endMs = Math.max(...occupancies.map((each) => each.endMs)) + 500;
  const steps = loadOf(occupancies);
  let step = 0;
  const starvedMs = (nowMs: number): number => {
    while ((steps[step + 1]?.fromMs ?? Infinity) <= nowMs) step += 1;
    const busy = (steps[step]?.powerW ?? 0) > IDLE_W + 0.1;
    return random() < (busy ? 0.006 : 0.002) ? 11 + 24 * random() : 0;
  };
  return { occupancies, simulated: sampleSimulatedRail({ steps, endMs, starvedMs, seed }), endMs };
}

interface Measured {
  /** Mean net energy of the measured frames by the true mean of all. */
  ratio: number;
  measured: number;
  bridged: number;
  unmeasured: number;
}

function measure({ occupancies, simulated, endMs }: Play, bridgeMs: number): Measured {
  const follower = new RailFollower(simulated.sampled, { idleWindowMs: 1e4, bridgeMs });
  const found: Measured = { ratio: 0, measured: 0, bridged: 0, unmeasured: 0 };
  let netJ = 0;
  const byFrame: Occupancy[][] = Array.from({ length: FRAMES }, () => []);
  for (const each of occupancies) byFrame[each.frame]?.push(each);
  for (let frame = 0; frame < FRAMES; frame += 1) {
    const own = byFrame[frame] ?? [];
    const window = follower.cells(
      Math.min(...own.map((each) => each.startMs)),
      Math.max(...own.map((each) => each.endMs)),
    );
    const [first, last] = [window?.cells[0], window?.cells.at(-1)];
    if (!window || !first || !last) {
      found.unmeasured += 1;
      continue;
    }
    const near = byFrame.slice(Math.max(0, frame - NEAR), frame + NEAR).flat();
    const energy = apportion(frame, window.cells, near, { idleW: IDLE_W, given: follower.given });
    netJ += energy.netJ;
    found.measured += 1;
    if (energy.bridged) found.bridged += 1;
  }
  const trueJ = truthJ(simulated.load, 0, endMs) - (IDLE_W * endMs) / 1e3;
  found.ratio = netJ / found.measured / (trueJ / FRAMES);
  return found;
}

for (const [setup, offloadShare] of [
  ['mobile-only', 0],
  ['cloud-only', 1],
  ['hybrid', 0.32],
] as const) {
  for (const cameras of [1, 4]) {
    t.test(`${setup}, ${cameras} cameras: the mean net energy is the true one within 3 %`, async (t) => {
      const run = play(offloadShare, cameras, 7 + cameras);
      const bridged = measure(run, BRIDGE_MS);
      t.ok(bridged.unmeasured < FRAMES / 100, `${bridged.unmeasured} frames in two gaps one upon the other`);
      t.ok(bridged.bridged > FRAMES / 100, `${bridged.bridged} of ${bridged.measured} frames over a gap`);
      t.ok(Math.abs(bridged.ratio - 1) <= 0.03, `off by ${(100 * (bridged.ratio - 1)).toFixed(2)} %`);
      const without = measure(run, 0);
      t.ok(without.unmeasured > FRAMES / 20, `without bridging ${without.unmeasured} have no energy`);
    });
  }
}

t.test('frames in a gap that is too long have no energy, the others keep theirs', async (t) => {
  const random = seededRandom(3);
  const occupancies = schedule(0, 1, random);
  const endMs = Math.max(...occupancies.map((each) => each.endMs)) + 500;
  const faults = [{ kind: 'nack' as const, fromMs: 20_000, toMs: 23_000 }];
  const simulated = sampleSimulatedRail({ steps: loadOf(occupancies), endMs, faults });
  const found = measure({ occupancies, simulated, endMs }, BRIDGE_MS);
  t.ok(found.unmeasured >= 48 && found.unmeasured <= 56, `${found.unmeasured} of the 50 frames of 3 s`);
  t.equal(found.measured, FRAMES - found.unmeasured);
  t.ok(Math.abs(found.ratio - 1) <= 0.03, `off by ${(100 * (found.ratio - 1)).toFixed(2)} %`);
});
