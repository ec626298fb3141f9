import fc from 'fast-check';
import t from 'tap';
import { WORK_KINDS, createBoard, postWork, type WorkItem } from '../../../common/activity.js';
import {
  BOARD_FIGURES,
  LINK_FIGURES,
  SIMULATED_LINKS,
  railModelFor,
  workJ,
} from '../../../drivers/simulation/board-model.js';
import { WorkLoad } from '../../../drivers/simulation/load.js';

const close = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-9 * (1 + Math.abs(a) + Math.abs(b));
const MODULE = railModelFor('sim_module', 'wifi');

t.test("mobilenet_v2 at 224 x 224 costs the paper's 12 mJ in its 3.53 ms", async (t) => {
  t.ok(close(workJ(MODULE, 'macs', 299e6), 12e-3));
  t.ok(close(299e6 / MODULE.work.macs.perS, 3.53e-3));
});

t.test('a bit costs alpha, and beta while it is on the air at the rate of the papers', async (t) => {
  for (const link of SIMULATED_LINKS) {
    const { alphaUp, alphaDown, beta, upMbitS, downMbitS } = LINK_FIGURES[link];
    const model = railModelFor('sim_module', link);
    const airS = (8 * 125_000) / (upMbitS * 1e6);
    t.ok(
      close(workJ(model, 'bytesUp', 125_000), alphaUp * 1e-3 * 1 + beta * 1e-3 * airS),
      `${link}, 1 Mbit up`,
    );
    const downS = 1 / downMbitS;
    t.ok(close(workJ(model, 'bytesDown', 125_000), alphaDown * 1e-3 + beta * 1e-3 * downS), `${link}, down`);
  }
});

t.test('inner rails see their own work alone', async (t) => {
  const gpu = railModelFor('VDD_SYS_GPU', 'wifi');
  const cpu = railModelFor('VDD_SYS_CPU', 'wifi');
  t.ok(close(workJ(gpu, 'macs', 299e6), 12e-3));
  t.equal(workJ(gpu, 'imageCpuMs', 5) + workJ(gpu, 'bytesUp', 5000), 0);
  t.equal(workJ(cpu, 'macs', 299e6) + workJ(cpu, 'bytesDown', 5000), 0);
  t.ok(close(workJ(cpu, 'imageCpuMs', 1), BOARD_FIGURES.coreCpuW.value * 1e-3));
  t.ok(gpu.idleW + cpu.idleW < MODULE.idleW);
});

t.test('every figure names its source', async (t) => {
  for (const { source } of [...Object.values(BOARD_FIGURES), ...Object.values(LINK_FIGURES)]) {
    t.match(source, /arXiv|github\.com|medium\.com/);
  }
});

const items = fc.array(
  fc.record({
    kind: fc.constantFrom(...WORK_KINDS),
    amount: fc.double({ min: 1, max: 1e6, noNaN: true }),
    atMs: fc.double({ min: 0, max: 1000, noNaN: true }),
  }),
  { maxLength: 60 },
);

t.test('all work costs what it should, once, however late and out of order it is noticed', async () => {
  fc.assert(
    fc.property(items, (list: WorkItem[]) => {
      const board = createBoard();
      const load = new WorkLoad(board, MODULE);
      load.follow(0);
      for (const [i, item] of list.entries()) {
        postWork(board, item);
        if (i % 3 === 0) load.follow(item.atMs);
      }
      load.follow(5e6);
      const workedJ = list.reduce((sum, { kind, amount }) => sum + workJ(MODULE, kind, amount), 0);
      const [fromMs, toMs] = [-10, 5e6];
      const trueJ = workedJ + (MODULE.idleW * (toMs - fromMs)) / 1e3;
      return Math.abs(load.energyJ(toMs) - load.energyJ(fromMs) - trueJ) < 1e-6;
    }),
  );
});

t.test('power is drawn from the start of the work on; a link sends one thing after the other', async (t) => {
  const board = createBoard();
  const load = new WorkLoad(board, MODULE);
  const overIdleJ = (fromMs: number, toMs: number): number =>
    load.energyJ(toMs) - load.energyJ(fromMs) - (MODULE.idleW * (toMs - fromMs)) / 1e3;
  const bytes = 23_600; // 10 ms at 18.88 Mbit/s
  postWork(board, { kind: 'bytesUp', amount: bytes, atMs: 100 });
  postWork(board, { kind: 'bytesUp', amount: bytes, atMs: 104 });
  postWork(board, { kind: 'imageCpuMs', amount: 4, atMs: 300 });
  postWork(board, { kind: 'imageCpuMs', amount: 4, atMs: 302 });
  load.follow(400);
  const { powerW } = MODULE.work.bytesUp;
  t.ok(close(overIdleJ(0, 100), 0));
  t.ok(close(overIdleJ(100, 110), powerW / 100));
  t.ok(close(overIdleJ(104, 114), powerW / 100), 'never both at once');
  t.ok(close(overIdleJ(100, 120), (2 * powerW) / 100));
  t.ok(close(overIdleJ(120, 300), 0));
  t.ok(close(overIdleJ(302, 304), (2 * 2 * MODULE.work.imageCpuMs.powerW) / 1e3), 'two cores at once');
});

t.test('a load that runs for long forgets what is over and stays right', async (t) => {
  const board = createBoard();
  const load = new WorkLoad(board, MODULE);
  const startJ = load.energyJ(0);
  for (let frame = 0; frame < 20_000; frame += 1) {
    postWork(board, { kind: 'macs', amount: 299e6, atMs: 10 * frame });
    if (frame % 100 === 0) load.follow(10 * frame);
  }
  load.follow(200_000);
  const trueJ = 20_000 * 12e-3 + MODULE.idleW * 200;
  t.ok(Math.abs((load.energyJ(200_000) - startJ) / trueJ - 1) < 1e-9);
  const before = load.energyJ(199_000);
  t.ok(Math.abs((load.energyJ(200_000) - before) / (100 * 12e-3 + MODULE.idleW) - 1) < 1e-6);
});
