import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';

/** A /sys with two I2C buses, numbered as some kernel would, and programs that write down how they were called. */
function jetson(t: Test, programs: string[] = []) {
  const folder = t.testdir();
  const buses = join(folder, 'sys/bus/i2c/devices');
  mkdirSync(buses, { recursive: true });
  for (const [number, controller] of [
    ['0', '3160000.i2c'],
    ['7', 'c240000.i2c'],
  ] as const) {
    const device = join(folder, 'sys/devices', controller, `i2c-${number}`);
    mkdirSync(device, { recursive: true });
    writeFileSync(join(device, 'bus_clk_rate'), '100000\n');
    symlinkSync(device, join(buses, `i2c-${number}`));
  }
  const chip = join(folder, 'sys/bus/i2c/drivers/ina3221x/0-0041/iio:device1');
  mkdirSync(chip, { recursive: true });
  writeFileSync(join(chip, 'name'), 'ina3221x\n');
  const rail = join(chip, 'in_power0_input');
  writeFileSync(rail, '5305\n');
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const name of programs) {
    const program = join(bin, name);
    writeFileSync(
      program,
      `#!/bin/sh\necho "${name} $*" >>${folder}/calls\n[ "$1" != --store ] || : >"$2"\n`,
    );
    chmodSync(program, 0o755);
  }
  const run = (verb: string, env: Record<string, string>) =>
    spawnSync('systemd/edgemux-clocks', [verb], {
      encoding: 'utf8',
      env: {
        ...env,
        PATH: `${bin}:/usr/bin:/bin`,
        EDGEMUX_SYSFS: join(folder, 'sys'),
        EDGEMUX_CLOCKS_SAVED: join(folder, 'saved'),
      },
    });
  const rate = (controller: string, bus: string) =>
    readFileSync(join(folder, 'sys/devices', controller, bus, 'bus_clk_rate'), 'utf8').trim();
  return { run, rate, rail, calls: () => readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n') };
}

t.test(
  'the bus of the named controller gets its speed, whatever its number, and no other does',
  async (t) => {
    const { run, rate } = jetson(t);
    const done = run('start', { I2C_CONTROLLER: 'c240000.i2c', I2C_BUS_HZ: '400000' });
    t.equal(done.status, 0, done.stderr);
    t.match(done.stdout, 'i2c-7 runs at 400000 Hz');
    t.equal(rate('c240000.i2c', 'i2c-7'), '400000');
    t.equal(rate('3160000.i2c', 'i2c-0'), '100000');
  },
);

t.test('power mode first, then the clocks, which stop gives back', async (t) => {
  const { run, calls } = jetson(t, ['nvpmodel', 'jetson_clocks']);
  t.equal(run('start', { POWER_MODE: '0', LOCK_CLOCKS: 'yes' }).status, 0);
  t.equal(run('stop', {}).status, 0);
  const found = calls().map((call) => call.replace(/ \/.*/, '').trim());
  t.same(found, ['nvpmodel -m 0', 'jetson_clocks --store', 'jetson_clocks', 'jetson_clocks --restore']);
});

t.test('what was asked for and cannot be had is said, and the rest done', async (t) => {
  const { run, rate } = jetson(t);
  const done = run('start', { POWER_MODE: '0', I2C_CONTROLLER: 'c240000.i2c', I2C_BUS_HZ: '400000' });
  t.equal(done.status, 1);
  t.match(done.stderr, 'there is no nvpmodel here');
  t.equal(rate('c240000.i2c', 'i2c-7'), '400000');
  const nowhere = run('start', { I2C_CONTROLLER: 'ff.i2c', I2C_BUS_HZ: '400000' });
  t.match(nowhere.stderr, "no I2C bus belongs to controller 'ff.i2c'");
});

t.test('the rails are opened to the group that the unit names, before anything that may fail', async (t) => {
  const { run, rail } = jetson(t);
  chmodSync(rail, 0o400);
  const done = run('start', { RAILS_GROUP: String(process.getgid?.()), POWER_MODE: '0' });
  t.equal(done.status, 1, 'there is no nvpmodel');
  t.match(done.stdout, '1 files of power rails are readable');
  t.equal(statSync(rail).mode & 0o777, 0o440);
  t.match(run('start', { RAILS_GROUP: 'no-such-group-here' }), { status: 1, stderr: /not every power rail/ });
});

t.test('nothing asked for, nothing done', async (t) => {
  const { run, rate } = jetson(t, ['nvpmodel', 'jetson_clocks']);
  t.equal(run('start', { POWER_MODE: '', LOCK_CLOCKS: '', I2C_BUS_HZ: '' }).status, 0);
  t.equal(rate('c240000.i2c', 'i2c-7'), '100000');
});
