import t from 'tap';
import { powerConfigSchema } from '../../energy/config.js';
import { BOARDS } from '../../drivers/sysfs/boards.js';
import { planRails } from '../../energy/plan.js';
import { BOARD_TREES } from '../drivers/sysfs/board-trees.js';
import { l4t32, mainline, sysfsTree } from '../drivers/sysfs/sysfs-trees.js';

const config = (settings: unknown) => powerConfigSchema.parse(settings);
const ina226 = (settings: Record<string, unknown> = {}) => ({
  kind: 'ina226',
  name: 'board',
  shuntOhms: 0.01,
  address: 0x44,
  ...settings,
});

t.test('an empty configuration has no rails', async (t) => {
  t.same(planRails(config({}), '/nowhere'), { i2c: [], kernel: [], counted: [], warnings: [] });
});

t.test('an INA226 gets 1 kHz, conversions that fit, and the calibration of the kernel', async (t) => {
  const root = sysfsTree(t, l4t32());
  const { i2c, warnings } = planRails(config({ rails: [ina226({ bus: 'c240000.i2c' })] }), root);
  t.match(i2c[0], {
    rateHz: 1000,
    bus: 1,
    settings: { address: 0x44, calibration: 2048, configuration: { averages: 1, shuntConversionUs: 588 } },
    rail: { name: 'board', simulated: false, source: 'i2c-1 0x44', updateMs: 0.92 },
  });
  t.match(warnings, [/i2c-1 is 96 % busy at 100 kHz/]);
});

t.test('what the bus cannot carry is refused with what would help', async (t) => {
  const root = sysfsTree(t, l4t32());
  const rails = [0x44, 0x45, 0x46].map((address) => ina226({ address, name: `r${address}` }));
  t.throws(() => planRails(config({ rails }), root), {
    code: 'RAIL_RATE_IMPOSSIBLE',
    message: /288 %.*347 Hz.*bus_clk_rate/,
  });
  t.equal(planRails(config({ rails, busHz: 400_000 }), root).i2c.length, 3);
  const slow = rails.map((rail) => ({ ...rail, rateHz: 300 }));
  t.equal(planRails(config({ rails: slow }), root).i2c.length, 3);
});

t.test('a bus that is not there is a warning that names those that are, and no rail', async (t) => {
  const plan = planRails(config({ rails: [ina226({ bus: 5 })] }), sysfsTree(t, l4t32()));
  t.equal(plan.i2c.length, 0);
  t.match(plan.warnings, [/no I2C bus 5; there are i2c-0/]);
  t.match(planRails(config({ rails: [ina226()] }), '/nowhere').warnings, [/modprobe i2c-dev/]);
});

t.test("an address of the TX2's own sensors is warned about", async (t) => {
  const { warnings } = planRails(
    config({ rails: [ina226({ bus: 0, address: 0x40 })] }),
    sysfsTree(t, l4t32()),
  );
  t.match(warnings, [/INA3221 of the TX2 itself/]);
});

t.test('impossible settings are refused: no shunt, a shunt that clips, two rails of one name', async (t) => {
  const root = sysfsTree(t, l4t32());
  const refused = (settings: unknown, message: RegExp) =>
    t.throws(() => planRails(config(settings), root), { code: 'RAIL_CONFIG_INVALID', message });
  refused({ rails: [ina226({ shuntOhms: null })] }, /shuntOhms is missing/);
  refused({ rails: [ina226({ maxCurrentA: 10 })] }, /clips at 8.19 A.*at most 8.19 milliohm/);
  refused({ busHz: 4e5, rails: [ina226(), ina226({ address: 0x45 })] }, /two rails are called board/);
  const scaled = planRails(config({ rails: [ina226({ maxCurrentA: 4 })] }), root);
  t.match(scaled.i2c[0], { settings: { calibration: 4194 } }, 'LSB of 4 A / 2^15');
});

t.test('auto takes every rail of the kernel, a name only that one', async (t) => {
  const names = (settings: unknown, root: string) =>
    planRails(config(settings), root).kernel.map(({ rail }) => rail.name);
  const jetson = sysfsTree(t, l4t32());
  t.same(names({ rails: [{ kind: 'auto' }] }, jetson).sort(), ['VDD_IN', 'VDD_SYS_CPU', 'VDD_SYS_GPU']);
  t.same(names({ rails: [{ kind: 'iio', name: 'VDD_IN' }] }, jetson), ['VDD_IN']);
  t.equal(names({ rails: [{ kind: 'hwmon' }] }, sysfsTree(t, mainline())).length, 3);
  t.match(planRails(config({ rails: [{ kind: 'hwmon' }] }), jetson).warnings, [/does not measure a rail/]);
});

t.test("the kernel's rails that count are the board's whole, whatever else is there", async (t) => {
  const auto = config({ rails: [{ kind: 'auto' }] });
  for (const { title, kernel, tree } of BOARD_TREES) {
    const plan = planRails(auto, sysfsTree(t, tree));
    const board = BOARDS.find((each) => each.title === title);
    t.same(plan.counted, board?.total, `${title}, ${kernel}`);
    t.same(plan.warnings, []);
  }
  const beside = planRails(auto, sysfsTree(t, mainline()));
  t.same(beside.counted, ['VDD_IN'], 'an INA226 of the kernel beside it is not added');
  const part = config({ rails: [{ kind: 'iio', name: 'VDD_SYS_GPU' }] });
  const parts = planRails(part, sysfsTree(t, l4t32()));
  t.same(parts.counted, []);
  t.match(parts.warnings, [/no total: .*VDD_IN is not measured/]);
  const chosen = config({ rails: [{ kind: 'iio', name: 'VDD_SYS_GPU' }], sum: ['VDD_SYS_GPU'] });
  t.same(planRails(chosen, sysfsTree(t, l4t32())).warnings, [], 'who chooses is not told');
  const both = config({ rails: [{ kind: 'auto' }], sum: ['VDD_IN', 'VDD_MUX'] });
  t.match(planRails(both, sysfsTree(t, l4t32())).warnings, [
    /no total: power\.sum names VDD_MUX, which is not/,
  ]);
});

t.test('simulated rails replace the configured ones, keep their names, and say what they are', async (t) => {
  const one = planRails(config({ simulate: true }), '/nowhere');
  t.match(one.i2c, [{ rail: { name: 'sim_module', simulated: true, source: 'simulated' } }]);
  const two = planRails(
    config({ simulate: true, rails: [ina226(), { kind: 'iio', name: 'VDD_SYS_GPU' }] }),
    '/nowhere',
  );
  t.match(
    two.i2c.map(({ rail }) => [rail.name, rail.simulated]),
    [
      ['board', true],
      ['VDD_SYS_GPU', true],
    ],
  );
  t.same(two.kernel, []);
});

t.test(
  'a simulated chip has its configured address, the next free one where another bus has that too',
  (t) => {
    const rails = [
      ina226({ address: 0x45 }),
      ina226({ name: 'b', bus: 0, address: 0x45 }),
      ina226({ name: 'c' }),
    ];
    const { i2c } = planRails(config({ simulate: true, rails }), '/nowhere');
    t.same(
      i2c.map(({ address }) => address),
      [0x45, 0x46, 0x44],
    );
    t.end();
  },
);

t.test('a key of another kind of rail is refused, with the kinds that there are', async (t) => {
  const refused = (rail: unknown, message: RegExp) =>
    t.match(powerConfigSchema.safeParse({ rails: [rail] }).error?.issues[0]?.message, message);
  refused({ name: 'board', shuntOhms: 0.01 }, /a rail of the kernel has no key shuntOhms.*kind \(ina226\)/);
  refused({ kind: 'ina226', channel: 2 }, /an INA226 has no key channel/);
  refused({ kind: 'ina219' }, /choose one of auto, hwmon, iio, ina226/);
});

t.test('a sum that counts a rail and a part of it is refused, naming both', async (t) => {
  const root = sysfsTree(t, l4t32());
  const twice = (sum: string[]) => () => planRails(config({ rails: [{ kind: 'auto' }], sum }), root);
  t.throws(twice(['VDD_IN', 'VDD_SYS_GPU']), {
    code: 'RAIL_CONFIG_INVALID',
    message: /power\.sum would count VDD_SYS_GPU twice: it is a part of VDD_IN/,
  });
  t.throws(twice(['VDD_SYS_GPU', 'VDD_IN']), { code: 'RAIL_CONFIG_INVALID' }, 'in either order');
  t.doesNotThrow(twice(['VDD_SYS_GPU']), 'a part alone is what somebody may want to know');
});
