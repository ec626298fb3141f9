import t from 'tap';
import { powerConfigSchema, type PowerConfig } from '../../energy/config.js';
import { FrameTracker } from '../../energy/frame-tracker.js';
import { createEnergyMeter } from '../../energy/create-meter.js';
import type { EnergyMeterDeps } from '../../energy/meter.js';
import { RailFollower } from '../../energy/rail-follower.js';
import { createBoard, framesIn, postWork } from '../../common/activity.js';
import { systemClock } from '../../common/clock.js';
import { silentLog } from '../../common/log.js';
import { l4t32, sysfsTree } from '../drivers/sysfs/sysfs-trees.js';
import { sampleSimulatedRail } from './simulated-rail.js';
import { until } from '../support/until.js';

const config = (settings: unknown): PowerConfig => powerConfigSchema.parse(settings);
const deps = (overrides: Partial<EnergyMeterDeps> = {}): EnergyMeterDeps => ({
  log: silentLog(),
  clock: systemClock,
  board: createBoard(),
  ...overrides,
});

t.test('without rails: null and a warning, never joules; the board still counts', async (t) => {
  const board = createBoard();
  const meter = createEnergyMeter(deps({ board }), config({}));
  await meter.start();
  const frame = meter.frame('f1');
  frame.enter('decode');
  t.equal(framesIn(board, 'decode'), 1);
  frame.leave('decode');
  t.equal(framesIn(board, 'decode'), 0);
  t.equal(await frame.finish(), null);
  t.same(meter.rails(), []);
  t.match(meter.health(), [/no rail is configured/]);
  await meter.stop();
});

t.test('a missing bus: starts, warns with what to do, and gives null', async (t) => {
  const rails = [{ kind: 'ina226', name: 'board', shuntOhms: 0.01 }];
  const meter = createEnergyMeter(deps({ sysRoot: '/nowhere' }), config({ rails }));
  await meter.start();
  const frame = meter.frame('f1');
  frame.enter('local');
  t.equal(await frame.finish(), null);
  t.match(meter.health(), [/there is no I2C bus.*modprobe/, /null/]);
  t.equal(meter.totals().framesUnmeasured, 1);
  await meter.stop();
  await meter.stop();
});

t.test('impossible settings refuse to start', async (t) => {
  const rails = [{ kind: 'ina226', name: 'board', shuntOhms: 0.01, rateHz: 3000 }];
  const meter = createEnergyMeter(deps({ sysRoot: sysfsTree(t, l4t32()) }), config({ rails }));
  await t.rejects(meter.start(), { code: 'RAIL_RATE_IMPOSSIBLE' });
});

t.test('kernel rails give totals, no energy per frame, and VDD_IN alone is the sum', async (t) => {
  const rails = [{ kind: 'auto', rateHz: 50 }];
  const meter = createEnergyMeter(deps({ sysRoot: sysfsTree(t, l4t32()) }), config({ rails }));
  await meter.start();
  t.teardown(() => meter.stop());
  t.ok(await until('meter.totals().energyJ > 0.5', () => meter.totals().energyJ > 0.5));
  await meter.stop();
  const state = meter.rails().find(({ name }) => name === 'VDD_IN');
  t.match(state, { simulated: false, voltageV: 19.152, currentA: 0.277 });
  t.ok(Math.abs((state?.powerW?.mean ?? 0) - 5.297) < 1e-9);
  t.equal(meter.totals().energyJ, state?.energyJ, 'its children are not added');
  await meter.start();
  const frame = meter.frame('f1');
  frame.enter('local');
  t.equal(await frame.finish(), null);
  t.match(meter.health(), [/no rail is fast enough/]);
});

t.test('a sum that lacks a rail counts none, and says so', async (t) => {
  const rails = [{ kind: 'auto', rateHz: 50 }];
  const sum = ['VDD_IN', 'VDD_MUX'];
  const meter = createEnergyMeter(deps({ sysRoot: sysfsTree(t, l4t32()) }), config({ rails, sum }));
  await meter.start();
  t.teardown(() => meter.stop());
  t.same(
    meter.rails().filter(({ counted }) => counted),
    [],
  );
  t.match(meter.health(), [/power\.sum names VDD_MUX/]);
});

t.test('a simulated rail gives energies that say so, and a state for reports', async (t) => {
  const board = createBoard();
  const meter = createEnergyMeter(deps({ board }), config({ simulate: true, gapPeriods: 500 }));
  await meter.start();
  t.teardown(() => meter.stop());
  const measured = await until('a frame with its energy', async () => {
    const frame = meter.frame('f1');
    frame.enter('local');
    postWork(board, { kind: 'macs', amount: 299e6, atMs: systemClock.monotonicMs() });
    t.equal(framesIn(board, 'local'), 1);
    await new Promise((resolve) => setTimeout(resolve, 30));
    frame.leave('local');
    t.equal(framesIn(board, 'local'), 0);
    const energy = await frame.finish();
    if (!energy) return false;
    t.match(energy, { simulated: true });
    t.ok(energy.grossJ > energy.netJ && energy.netJ > 0);
    t.ok(Math.abs((energy.stagesJ?.local ?? 0) - energy.grossJ) < 1e-12);
    return true;
  });
  t.ok(measured);
  t.match(meter.rails(), [{ name: 'sim_module', simulated: true, problem: null, voltageV: 19 }]);
  t.match(meter.totals(), { simulated: true, framesMeasured: 1 });
});

t.test(
  'a bus that never answers: null, a problem in rails and health, and the frame is not held up',
  async (t) => {
    const faults = [{ kind: 'nack' as const, fromMs: 0, toMs: Infinity }];
    const meter = createEnergyMeter(deps({ simulation: { faults } }), config({ simulate: true }));
    await meter.start();
    t.teardown(() => meter.stop());
    t.ok(await until('meter.rails()[0]?.problem !== null', () => meter.rails()[0]?.problem !== null));
    const frame = meter.frame('f1');
    frame.enter('local');
    t.equal(await frame.finish(), null);
    t.match(meter.health(), [/sim_module: .*no acknowledge/]);
    t.match(meter.rails()[0], { powerW: null, voltageV: null, samples: 0 });
  },
);

t.test('a transfer that hangs holds up no frame, and not the stop either', async (t) => {
  const hangMs = 60_000;
  const faults = [{ kind: 'hang' as const, fromMs: systemClock.monotonicMs() + 300, toMs: Infinity, hangMs }];
  const meter = createEnergyMeter(deps({ simulation: { faults } }), config({ simulate: true }));
  await meter.start();
  const startMs = systemClock.monotonicMs();
  const hangs = async (): Promise<boolean> => {
    const frame = meter.frame('f1');
    frame.enter('local');
    await new Promise((resolve) => setTimeout(resolve, 5));
    frame.leave('local');
    return (await frame.finish()) === null && meter.rails()[0]?.problem !== null;
  };
  t.ok(
    await until('the rail is named while it hangs', hangs),
    'frames end with null, and the rail says that samples are missing',
  );
  t.match(meter.health(), [/sim_module: no sample/]);
  await meter.stop();
  t.ok(systemClock.monotonicMs() - startMs < hangMs / 2, 'long before the transfer ends');
});

t.test('finish waits for the last samples, but not longer than it may', async (t) => {
  const { sampled } = sampleSimulatedRail({ steps: [{ fromMs: 0, powerW: 5 }], endMs: 1000 });
  const rails = [new RailFollower(sampled, { idleWindowMs: 1000 })];
  let nowMs = 900;
  const clock = { monotonicMs: () => nowMs, wallMs: () => 0 };
  const tracker = new FrameTracker({ clock, board: createBoard(), rails }, config({ idle: { powerW: 5 } }));
  const within = tracker.frame();
  within.span({ stage: 'mux', startMs: 800, endMs: 810 });
  const energy = await within.finish();
  t.ok(Math.abs((energy?.grossJ ?? 0) - 0.05) < 1e-3);
  t.match(energy, { simulated: true, coarse: false });
  t.ok((energy?.samples ?? 0) >= 8);
  t.equal(await within.finish(), energy, 'the same answer when asked twice');

  const beyond = tracker.frame();
  beyond.enter('local');
  nowMs = 1100;
  const finished = beyond.finish();
  const askedMs = nowMs;
  const ticking = setInterval(() => (nowMs += 1), 1);
  t.equal(await finished, null, 'its samples never come');
  clearInterval(ticking);
  t.ok(nowMs - askedMs <= 20, `given up after ${nowMs - askedMs} ms of the clock`);
  t.match(tracker, { measured: 1, unmeasured: 1 });
});

t.test('a frame too short for its samples says that it is coarse', async (t) => {
  const { sampled } = sampleSimulatedRail({ steps: [{ fromMs: 0, powerW: 5 }], endMs: 1000 });
  const rails = [new RailFollower(sampled, { idleWindowMs: 1000 })];
  const clock = { monotonicMs: () => 900, wallMs: () => 0 };
  const tracker = new FrameTracker({ clock, board: createBoard(), rails }, config({}));
  const frame = tracker.frame();
  frame.span({ stage: 'mux', startMs: 800, endMs: 802 });
  t.match(await frame.finish(), { coarse: true });
});

t.test('a frame that did nothing has no energy and is counted nowhere', async (t) => {
  const tracker = new FrameTracker({ clock: systemClock, board: createBoard(), rails: [] }, config({}));
  t.equal(await tracker.frame().finish(), null);
  t.match(tracker, { measured: 0, unmeasured: 0 });
});
