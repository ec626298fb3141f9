/** Runs inside the rig's VM: the sampler's own thread on a real bus, started twice. No rate is asserted here. */
import t from 'tap';
import { runPower } from '../../energy/command/command.js';
import { powerOptions } from '../../energy/command/options.js';
import { systemClock } from '../../common/clock.js';
import { silentLog } from '../../common/log.js';
import type { I2cPlan } from '../../drivers/sampler/sampler-plan.js';
import { scanBuses } from '../../drivers/i2c/scan-buses.js';
import { Sampler } from '../../drivers/sampler/sampler.js';
import { testRail } from '../drivers/fakes.js';
import { SETTINGS } from '../drivers/ina226/sensor-set-up.js';
import { setAdapter } from './power-vm-rig.js';
import { until } from '../support/until.js';

const RATE_HZ = 100;

function rail(address: number): I2cPlan {
  const name = `chip${address.toString(16)}`;
  const settings = { ...SETTINGS, address };
  return {
    type: 'i2c',
    chip: 'ina226',
    bus: 0,
    address,
    rateHz: RATE_HZ,
    settings,
    transfers: { reads: 2, writes: 0 },
    rail: testRail({ name }),
  };
}

t.test('the thread samples two chips, and again after a stop and a start', async (t) => {
  const sampler = new Sampler(
    { log: silentLog() },
    { rails: [rail(0x40), rail(0x41)], simulation: null, gapPeriods: 10 },
  );
  for (const round of ['first', 'second']) {
    const before = sampler.rails.map(({ ring }) => ring.head);
    sampler.start();
    t.ok(
      await until('sampler.rails.every(({ ring }, i) => ring.head > (before[i] ?? 0) + 5)', () =>
        sampler.rails.every(({ ring }, i) => ring.head > (before[i] ?? 0) + 5),
      ),
      round,
    );
    await sampler.stop();
    t.same(
      sampler.rails.map(({ problem }) => problem),
      [null, null],
      `${round}: no problem`,
    );
  }
});

t.test('a scan finds both chips by their ids, while nothing else runs', async (t) => {
  const [scan] = await scanBuses([0]);
  t.same(scan?.problem, null);
  t.same(
    scan?.chips.map(({ address, name }) => [address, name]),
    [
      [0x40, 'INA226'],
      [0x41, 'INA226'],
    ],
  );
});

t.test('edgemux power measures them, and says where none answers', async (t) => {
  const out: string[] = [];
  const deps = {
    write: (text: string) => out.push(text),
    say: (text: string) => t.comment(text),
    terminal: false,
    clock: systemClock,
    sysRoot: '/sys',
    stopped: new Promise(() => undefined),
  };
  const argv = { shunt: '10m', bus: '0', rate: 100, duration: 0.5, interval: 0.5, format: 'csv' };
  t.equal(await runPower(powerOptions({ ...argv, address: '0x40,0x41' }), deps), 0);
  t.match(out.join(''), /\r\n0\.\d+,ina226-0-40,.*,false\r\n0\.\d+,ina226-0-41,/);
  await t.rejects(runPower(powerOptions({ ...argv, address: '0x4a' }), deps), {
    code: 'SENSOR_FAILED',
    message: /0x4a: no acknowledge; check wiring/,
  });
});

t.test('a bus that stops answering is reported, and measures again alone', async (t) => {
  const sampler = new Sampler(
    { log: silentLog() },
    { rails: [rail(0x40)], simulation: null, gapPeriods: 10 },
  );
  t.teardown(() => sampler.stop());
  const [only] = sampler.rails;
  sampler.start();
  t.ok(await until('(only?.ring.head ?? 0) > 5', () => (only?.ring.head ?? 0) > 5));
  setAdapter('nack_left', 1_000_000);
  t.ok(await until('only?.problem !== null', () => only?.problem !== null));
  t.match(only?.problem, /no acknowledge/);
  setAdapter('nack_left', 0);
  t.ok(await until('only?.problem === null', () => only?.problem === null));
  t.equal(only?.ring.stat('gaps'), 1);
});
