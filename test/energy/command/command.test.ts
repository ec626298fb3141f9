import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { runPower, type PowerDeps } from '../../../energy/command/command.js';
import { table } from '../../../energy/command/format.js';
import { powerOptions } from '../../../energy/command/options.js';
import type { RailState } from '../../../energy/meter.js';
import { systemClock } from '../../../common/clock.js';
import { l4t32, sysfsTree } from '../../drivers/sysfs/sysfs-trees.js';

function deps(overrides: Partial<PowerDeps> = {}): { deps: PowerDeps; out: string[]; said: string[] } {
  const out: string[] = [];
  const said: string[] = [];
  return {
    out,
    said,
    deps: {
      write: (text) => out.push(text),
      say: (text) => said.push(text),
      terminal: false,
      clock: systemClock,
      sysRoot: '/nowhere',
      stopped: new Promise(() => undefined),
      ...overrides,
    },
  };
}

t.test('csv: a header, one row a rail and interval, every cell filled, lines end with CR LF', async (t) => {
  const { deps: d, out } = deps();
  const options = powerOptions({ simulate: true, format: 'csv', duration: 0.6, interval: 0.2 });
  t.equal(await runPower(options, d), 0);
  const lines = out.join('').split('\r\n');
  t.equal(lines.pop(), '');
  t.match(lines[0], /^time_s,rail,power_W,.*,simulated$/);
  t.ok(lines.length >= 2);
  for (const line of lines) t.equal(line.split(',').length, 13, line);
  for (const line of lines.slice(1)) t.match(line, /^\d+\.\d+,sim_module,1\.[78]\d+,.*,true$/);
});

t.test('json: one object a line, with unit names and simulated', async (t) => {
  const { deps: d, out } = deps();
  await runPower(powerOptions({ simulate: true, format: 'json', duration: 0.3, interval: 0.1 }), d);
  const last = JSON.parse(out.at(-1) ?? '') as unknown;
  t.match(last, { timeS: Number, rails: [{ name: 'sim_module', simulated: true, voltageV: 19 }] });
});

t.test('table: names the simulated, and is redrawn in place on a terminal', async (t) => {
  const { deps: d, out } = deps({ terminal: true });
  await runPower(powerOptions({ simulate: true, duration: 0.5, interval: 0.1 }), d);
  t.match(out[0], /rail +W +min +max +V +A +J +Hz +gaps\nsim_module .* simulated\n$/);
  t.ok(
    out.slice(1).every((text) => text.startsWith('\u001b[3A\u001b[J')),
    'over the three lines before',
  );
});

t.test('--record has every sample, --alert warns once a crossing and gives exit code 1', async (t) => {
  const { deps: d, said } = deps();
  const file = join(mkdtempSync(join(tmpdir(), 'edgemux-power-')), 'samples.csv');
  const argv = { simulate: true, duration: 0.5, record: file, alert: ['sim_module>1W', '>1000V'] };
  t.equal(await runPower(powerOptions(argv), d), 1);
  t.equal(said.filter((text) => /^alert at .*sim_module above 1 W$/.test(text)).length, 1);
  const rows = readFileSync(file, 'utf8').trim().split('\r\n');
  t.equal(rows[0], 'time_s,rail,power_W,voltage_V,current_A,flags,simulated');
  t.ok(rows.length > 20);
  t.ok(rows.slice(1).every((row) => /^\d+\.\d+,sim_module,1\.[78]\d+,19\.0+,0\.09\d+,\d+,true$/.test(row)));
  await t.rejects(runPower(powerOptions({ ...argv, record: '/nowhere/x.csv' }), d), {
    code: 'CONFIG_INVALID',
  });
});

t.test('the rails of the kernel are found without any flag', async (t) => {
  const { deps: d, out } = deps({ sysRoot: sysfsTree(t, l4t32()) });
  t.equal(await runPower(powerOptions({ duration: 0.5, interval: 0.25, format: 'json' }), d), 0);
  const { rails } = JSON.parse(out.at(-1) ?? '') as { rails: { name: string; simulated: boolean }[] };
  t.same(rails.map(({ name }) => name).sort(), ['VDD_IN', 'VDD_SYS_CPU', 'VDD_SYS_GPU']);
  t.ok(rails.every(({ simulated }) => !simulated));
});

interface Shown {
  rails: { name: string; powerW: { mean: number }; energyJ: number }[];
  total: { rails: string[]; powerW: number; energyJ: number } | null;
}

t.test('of several rails the total is that of those that count, which are named', async (t) => {
  const sysRoot = sysfsTree(t, l4t32());
  const measured = async (format: string): Promise<string> => {
    const { deps: d, out } = deps({ sysRoot });
    await runPower(powerOptions({ duration: 0.5, interval: 0.5, format }), d);
    return out.at(-1) ?? '';
  };
  const { rails, total } = JSON.parse(await measured('json')) as Shown;
  const whole = rails.find(({ name }) => name === 'VDD_IN')!;
  t.same(total, { rails: ['VDD_IN'], powerW: whole.powerW.mean, energyJ: whole.energyJ });
  const watts = whole.powerW.mean.toFixed(3);
  t.match(await measured('table'), new RegExp(`\\ntotal +${watts.replace('.', '\\.')} .* VDD_IN\\n$`));
});

t.test('a total is the sum of rails that lie side by side, and none where nobody knows how they lie', (t) => {
  const rail = (name: string, counted: boolean, mean: number | null): RailState => ({
    name,
    counted,
    kind: 'ina226',
    simulated: false,
    within: null,
    voltageV: 19,
    currentA: 0.1,
    energyJ: 2,
    samples: 9,
    gaps: 0,
    gapMs: 0,
    rateHz: 1000,
    clipped: 0,
    problem: null,
    powerW: mean === null ? null : { mean, min: mean, max: mean },
  });
  const last = (...rails: RailState[]): string => table(rails).trimEnd().split('\n').at(-1) ?? '';
  t.match(last(rail('a', true, 1.25), rail('b', true, 2)), /^total +3\.250 .* 4\.000 +a \+ b$/);
  t.match(
    last(rail('a', true, 1.25), rail('b', true, null)),
    /^total +- .* a \+ b$/,
    'one of them is silent',
  );
  t.match(last(rail('a', false, 1), rail('b', false, 2)), /^total +- .*not known: .*power\.sum$/);
  t.notMatch(table([rail('a', true, 1)]), /total/);
  t.end();
});

t.test('without I2C and rails it says what to do', async (t) => {
  const { deps: d } = deps();
  await t.rejects(runPower(powerOptions({}), d), {
    code: 'BUS_UNAVAILABLE',
    message: /kernel measures no rail.*--bus 1 --address 0x44 --shunt 0.01.*power scan.*--simulate/,
  });
  await t.rejects(runPower(powerOptions({ shunt: '10m' }), d), {
    code: 'SENSOR_FAILED',
    message: /no I2C bus.*modprobe i2c-dev/,
  });
});

t.test('a bus that the kernel lists but that cannot be opened says why', async (t) => {
  const { deps: d } = deps({ sysRoot: sysfsTree(t, l4t32()) });
  const options = powerOptions({ shunt: '0.01', bus: 'c240000.i2c', address: '0x44', duration: 1 });
  await t.rejects(runPower(options, d), { code: 'SENSOR_FAILED', message: /i2c-1 0x44|i2c-bus cannot/ });
});

t.test('stopping ends it early', async (t) => {
  const { deps: d } = deps({ stopped: new Promise((resolve) => setTimeout(resolve, 100)) });
  t.equal(await runPower(powerOptions({ simulate: true }), d), 0);
});
