import fc from 'fast-check';
import t from 'tap';
import { apportion, cellsOf, type Given, type Cell, type StageEnergy } from '../../energy/apportion.js';
import { OccupancyLog, type Occupancy } from '../../energy/occupancy.js';
import { GivenShares } from '../../energy/rail-follower.js';
import type { Stage } from '../../common/activity.js';

const RAIL = { gapMs: 5, bridgeMs: 0, spanMs: 1.8 };
const IDLE_W = 3;

/** Cells of one sample a ms; the outermost nodes have none. */
function cells(powers: readonly number[]): Cell[] {
  const nodes = powers.map((powerW, index) => ({ index, tMs: index, powerW, flags: 0 }));
  return (cellsOf(nodes, RAIL) ?? []).slice(1, -1);
}

const occupancy = (frame: number, stage: Stage, startMs: number, endMs: number): Occupancy => ({
  frame,
  stage,
  startMs,
  endMs,
  provisional: false,
});

function energies(frames: number, all: readonly Cell[], occupancies: readonly Occupancy[]): StageEnergy[] {
  const given = new GivenShares(1000);
  return Array.from({ length: frames }, (_, frame) =>
    apportion(frame, all, occupancies, { idleW: IDLE_W, given }),
  );
}

const close = (a: number, b: number): boolean => Math.abs(a - b) < 1e-9;
const total = (list: readonly StageEnergy[], key: 'grossJ' | 'netJ'): number =>
  list.reduce((sum, each) => sum + each[key], 0);

t.test(
  'a frame alone gets all that its work drew over idle, also what the samples smear past its edges',
  async (t) => {
    const powers = [3, 3, 3, 5, 9, 9, 9, 7, 3, 3, 3];
    const [alone] = energies(1, cells(powers), [occupancy(0, 'local', 3.4, 7.2)]);
    t.ok(close(alone!.netJ, (2 + 6 + 6 + 6 + 4) / 1e3));
    t.ok(close(alone!.grossJ - alone!.netJ, (IDLE_W * 3.8) / 1e3), 'and idle power for just its time');
    t.ok(close(alone!.stagesJ.local ?? 0, alone!.grossJ));
  },
);

t.test('frames that work at the same time share by their busy time', async (t) => {
  const all = cells(Array.from({ length: 12 }, () => 9));
  const [first, second] = energies(2, all, [occupancy(0, 'decode', 2, 10), occupancy(1, 'local', 2, 10)]);
  t.ok(close(first!.netJ, second!.netJ));
  t.ok(close(first!.grossJ, second!.grossJ));
  const [long, short] = energies(2, all, [occupancy(0, 'decode', 2, 10), occupancy(1, 'local', 5, 6)]);
  t.ok(long!.netJ > 5 * short!.netJ);
});

t.test('who waits pays nothing while another works, and all of it when nobody does', async (t) => {
  const all = cells(Array.from({ length: 20 }, () => 9));
  const [waiting, working] = energies(2, all, [occupancy(0, 'wait', 1, 10), occupancy(1, 'local', 1, 10)]);
  t.ok(close(waiting!.grossJ, 0));
  t.ok(working!.grossJ > 0);
  const [alone] = energies(1, all, [occupancy(0, 'wait', 5, 10)]);
  t.ok(close(alone!.grossJ - alone!.netJ, (IDLE_W * 5) / 1e3));
});

t.test('the stages of a frame add up to the frame', async (t) => {
  const all = cells([3, 3, 4, 8, 9, 9, 6, 4, 4, 3, 3]);
  const stages: Stage[] = ['decode', 'mux', 'local'];
  const [frame] = energies(
    1,
    all,
    stages.map((stage, i) => occupancy(0, stage, 2 + 2 * i, 4 + 2 * i)),
  );
  const sum = stages.reduce((all_, stage) => all_ + (frame!.stagesJ[stage] ?? 0), 0);
  t.ok(close(sum, frame!.grossJ));
});

const stage = fc.constantFrom<Stage>('decode', 'mux', 'local', 'encode', 'upload', 'wait');
const occupancies = fc.array(
  fc
    .record({
      frame: fc.nat(3),
      stage,
      fromMs: fc.nat(28),
      lengthMs: fc.double({ min: 0.1, max: 12, noNaN: true }),
    })
    .map(({ frame, stage, fromMs, lengthMs }) => occupancy(frame, stage, fromMs, fromMs + lengthMs)),
  { minLength: 1, maxLength: 10 },
);
const powers = fc.array(fc.double({ min: 3, max: 20, noNaN: true }), { minLength: 42, maxLength: 42 });

t.test('no joule is given twice: frames, with idle between them, add up to the integral', async () => {
  fc.assert(
    fc.property(powers, occupancies, (powerWs, list) => {
      const all = cells(powerWs);
      const wholeJ = all.reduce((sum, cell) => sum + (cell.powerW * (cell.toMs - cell.fromMs)) / 1e3, 0);
      const touched = all.filter((cell) =>
        list.some((each) => each.startMs < cell.reachToMs && each.endMs > cell.reachFromMs),
      );
      const excessJ = touched.reduce(
        (sum, cell) => sum + ((cell.powerW - IDLE_W) * (cell.toMs - cell.fromMs)) / 1e3,
        0,
      );
      const list4 = energies(4, all, list);
      return close(total(list4, 'netJ'), excessJ) && total(list4, 'grossJ') <= wholeJ + 1e-9;
    }),
  );
});

t.test('a frame that comes late gets what is left, never what was given', async (t) => {
  const all = cells(Array.from({ length: 12 }, () => 9));
  const given = new GivenShares(100);
  const early = [occupancy(0, 'local', 2, 10)];
  const first = apportion(0, all, early, { idleW: IDLE_W, given });
  const late = apportion(1, all, [...early, occupancy(1, 'mux', 2, 10)], { idleW: IDLE_W, given });
  t.ok(first.netJ > 0);
  t.ok(close(late.netJ, 0));
});

t.test('a gap in the samples leaves no cells', async (t) => {
  const nodes = [0, 1, 2, 9, 10].map((tMs, index) => ({ index, tMs, powerW: 5, flags: 0 }));
  t.equal(cellsOf(nodes, RAIL), null);
});

t.test('a short gap is bridged: half of it falls to the samples on either side, marked', async (t) => {
  const nodes = [0, 1, 2, 9, 10, 11].map((tMs, index) => ({ index, tMs, powerW: 5, flags: 0 }));
  const found = cellsOf(nodes, { ...RAIL, bridgeMs: 7 }) ?? [];
  t.same(
    found.map(({ bridged }) => bridged),
    [false, false, true, true, false, false],
  );
  t.match(found[2], { fromMs: 1.5, toMs: 5.5 });
  t.match(found[3], { fromMs: 5.5, toMs: 9.5 });
  const given: Given = { take: (_index, _part, share) => share };
  const inside = apportion(0, found, [occupancy(0, 'local', 3, 8)], { idleW: IDLE_W, given });
  t.ok(close(inside.netJ, (2 * 8) / 1e3), 'the excess of both cells is its own');
  t.ok(inside.bridged);
  t.notOk(apportion(1, found, [occupancy(1, 'local', 10.2, 10.6)], { idleW: IDLE_W, given }).bridged);
});

t.test('a span takes the place of what enter and leave said about its stage', async (t) => {
  const book = new OccupancyLog();
  book.open(1, 'local', 0);
  t.equal(book.close(1, 'local', 9), true);
  t.equal(book.close(1, 'local', 9), false);
  book.replace(1, { stage: 'local', startMs: 3, endMs: 5 });
  book.replace(1, { stage: 'local', startMs: 6, endMs: 7 });
  book.open(2, 'wait', 1);
  t.same(
    book.of(1).map(({ startMs, endMs }) => [startMs, endMs]),
    [
      [3, 5],
      [6, 7],
    ],
  );
  t.equal(book.between(5, 6).length, 1);
  t.same(book.openStages(2), ['wait']);
});

t.test(
  'occupancies of finished frames are forgotten, those that unfinished ones can meet are kept',
  async (t) => {
    const book = new OccupancyLog();
    for (let i = 0; i < 300; i += 1) {
      book.open(i, 'local', i);
      book.close(i, 'local', i + 1);
    }
    book.prune(new Set([200]), 300, 10);
    t.equal(book.of(100).length, 0);
    t.equal(book.of(200).length, 1);
    t.equal(book.of(250).length, 1);
  },
);
