/** Which rail is the whole: every board of the table, from its folders in `/sys` to watts. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename, join } from 'node:path';
import t from 'tap';
import { BOARDS, boardOf, knownParent, totalOf } from '../../../drivers/sysfs/boards.js';
import { findSysfsRails } from '../../../drivers/sysfs/sysfs-rails.js';
import { SysfsSensor } from '../../../drivers/sysfs/sysfs-sensor.js';
import { TestClock } from '../fakes.js';
import { BOARD_TREES, ORIN_SECOND, hwmonChip, singleChip } from './board-trees.js';
import { sysfsTree } from './sysfs-trees.js';

const MAKE = '../shared/cases/device/sysfs-trees/make.py';
/** What the trees of the cases draw, as their README writes it. */
const CASES_W: Record<string, string> = {
  'tx2-devkit-l4t28': '5.3',
  'tx2-devkit-l4t327-rootonly': '5.3',
  'tx2-mainline': '5.3',
  'tx2-plus-own-ina226-by-kernel': '5.3',
  'tx2-nx': '3.53',
  tx1: '3.8',
  nano: '2.14',
  'nano-one-rail-fails': '2.14',
  'xavier-nx-jp4': '4.57',
  'agx-xavier-jp4': '3.89',
  'agx-orin-jp5': '7.72',
  'agx-orin-nc-readable': '7.72',
};

/** What the kernel's rails under a root say, and the watts of those that are counted. */
function measured(root: string) {
  const rails = findSysfsRails(root);
  const names = rails.map(({ rail }) => rail.name);
  const board = boardOf(names);
  const total = totalOf(board, names);
  const wattsOf = (wanted: readonly string[]): number =>
    rails
      .filter(({ rail }) => wanted.includes(rail.name))
      .reduce((sum, each) => sum + new SysfsSensor({ clock: new TestClock() }, each).sample().powerW, 0);
  return { rails, names, board, total, wattsOf };
}

t.test('every board of the table: found by its rails, and its whole measured', async (t) => {
  for (const { title, kernel, tree, wholeW, allW } of BOARD_TREES) {
    const { board, total, wattsOf } = measured(sysfsTree(t, tree));
    const label = `${title}, ${kernel}`;
    t.equal(board?.title, title, label);
    t.ok(Math.abs(wattsOf(total.counted) - wholeW) < 0.005, `${label}: ${wattsOf(total.counted)} W`);
    const all = [...total.counted, ...Object.keys(board?.beside ?? {})];
    t.ok(Math.abs(wattsOf(all) - allW) < 0.005, `${label}, all: ${wattsOf(all)} W`);
    const beside = Object.keys(board?.beside ?? {}).filter((name) => allW > wholeW && name !== '');
    for (const name of beside) t.match(total.says, `power.sum: [${total.counted.join(', ')}, ${name}]`);
  }
  const shown = new Set(BOARD_TREES.map(({ title }) => title));
  t.same([...shown].sort(), BOARDS.map(({ title }) => title).sort(), 'no row without a tree');
});

t.test(
  'trees of the cases give the watts that their page says',
  { skip: existsSync(MAKE) ? false : `${MAKE} is not there` },
  async (t) => {
    const roots = execFileSync('python3', [MAKE, t.testdir()], { encoding: 'utf8' }).trim().split('\n');
    t.same(roots.map((root) => basename(root)).sort(), Object.keys(CASES_W).sort());
    for (const root of roots) {
      const name = basename(root);
      const { total, wattsOf, board } = measured(root);
      const watts = wattsOf(total.counted);
      const said = CASES_W[name] ?? '';
      t.equal(watts.toFixed(said.split('.')[1]?.length), said, `${name}: ${watts} W`);
      const both = wattsOf([...total.counted, ...Object.keys(board?.beside ?? {})]);
      if (/^tx2-(devkit|mainline)/.test(name)) t.equal(both.toFixed(1), '7.4', `${name}, both`);
    }
    const failing = measured(roots.find((root) => root.endsWith('nano-one-rail-fails')) ?? '');
    t.match(
      failing.rails.find(({ problem }) => problem),
      { rail: { name: 'POM_5V_GPU' }, problem: { code: 'EIO', path: /in_current1_input$/ } },
      'the failing rail is named, with its file',
    );
  },
);

t.test('inputs without a connection or a shunt, and those switched off, are no rails', async (t) => {
  const place = { bus: 1, address: '0041', hwmon: 4 };
  const { names } = measured(sysfsTree(t, hwmonChip(place, ORIN_SECOND)));
  t.same(names, ['VDDQ_VDD2_1V8AO']);
  const off = hwmonChip(
    place,
    [
      ['A', 1, 1],
      ['B', 1, 1],
      ['C', 1, 1],
    ],
    { shunt1_resistor: '0', in2_enable: '0' },
  );
  t.same(measured(sysfsTree(t, off)).names, ['C']);
});

t.test('a rail that no row knows is never added; without the whole there is no total', async (t) => {
  const [orin] = BOARD_TREES.filter(({ title }) => title === 'Jetson AGX Orin');
  const own = singleChip({ bus: 7, address: '0044', hwmon: 9 }, 'ina226', null, {
    mV: 19000,
    mA: 600,
    uW: 11_400_000,
  });
  const more = measured(sysfsTree(t, { ...orin?.tree, ...own }));
  t.ok(more.names.includes('ina226-7-0044'));
  t.same(more.total.counted, ['VDD_GPU_SOC', 'VDD_CPU_CV', 'VIN_SYS_5V0']);

  const alone = measured(sysfsTree(t, own));
  t.same(alone.total.counted, []);
  t.match(alone.total.says, /no total: .* no board with the rails ina226-7-0044; .*power\.sum/);

  t.same(totalOf(null, []), { counted: [], says: 'no total: no rail can be read' });
  const five = totalOf(boardOf(['GPU', 'CPU', 'SOC', 'CV', 'VDDRQ']), ['GPU', 'CPU', 'SOC', 'CV', 'VDDRQ']);
  t.same(five.counted, []);
  t.match(
    five.says,
    /no total: .*AGX Xavier.* GPU \+ CPU \+ SOC \+ CV \+ VDDRQ \+ SYS5V, and SYS5V is not measured/,
  );
  t.equal(boardOf(['CPU']), null, 'one name that several boards could have is no board');
});

t.test('a name that two boards use differently has no parent without its board', async (t) => {
  t.equal(knownParent('VIN_SYS_5V0'), null, 'contained on Thor, an input on AGX Orin');
  t.equal(knownParent('VDD_SYS_CPU'), 'VDD_IN');
  t.equal(knownParent('toaster'), null);
});

t.test('no error of a file is swallowed: EIO and ENXIO come with the name of their rail', async (t) => {
  const [nano] = BOARD_TREES.filter(({ title }) => title === 'Jetson Nano');
  const root = sysfsTree(t, nano?.tree ?? {});
  const folder = join(root, 'devices/i2c-6/6-0040/iio:device0');
  const broken = join(folder, 'in_power1_input');
  rmSync(broken);
  symlinkSync('/proc/self/mem', broken); // reading it at 0 is EIO
  const socket = join(folder, 'in_voltage2_input');
  rmSync(socket);
  const server = createServer().listen(socket); // opening a socket as a file is ENXIO
  await new Promise((resolve) => server.once('listening', resolve));
  t.teardown(() => server.close());
  t.match(
    findSysfsRails(root).map(({ rail, problem }) => [rail.name, problem]),
    [
      ['POM_5V_IN', null],
      ['POM_5V_GPU', { code: 'EIO', path: /in_power1_input$/ }],
      ['POM_5V_CPU', { code: 'ENXIO', path: /in_voltage2_input$/ }],
    ],
  );
  for (const each of findSysfsRails(root).slice(1))
    t.throws(() => new SysfsSensor({ clock: new TestClock() }, each).sample(), { message: /EIO|ENXIO/ });
});

t.test('docs/power.md has the table, row for row', async (t) => {
  const page = readFileSync('docs/power.md', 'utf8');
  for (const { title, total, covers, beside, contains, source } of BOARDS) {
    const parts = Object.entries(contains).map(([parent, rails]) => `${parent}: ${rails.join(', ')}`);
    const aside = Object.entries(beside).map(([name, what]) => `${name} (${what})`);
    const cells = [title, total.join(' + '), covers, aside.join(', '), parts.join('; '), source];
    t.ok(page.includes(`| ${cells.map((cell) => cell || '–').join(' | ')} |`), title);
  }
});
