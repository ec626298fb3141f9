/**
 * Runs inside the rig's VM (see power-vm-run.ts): the driver over the real Linux I2C stack, beside the kernel's own
 * ina2xx driver. 0x40 is the kernel's, 0x41 is ours.
 */
import t from 'tap';
import { systemClock } from '../../common/clock.js';
import { findSysfsRails } from '../../drivers/sysfs/sysfs-rails.js';
import { SysfsSensor } from '../../drivers/sysfs/sysfs-sensor.js';
import { collisionWarning, listI2cBuses } from '../../drivers/i2c/i2c-buses.js';
import { openI2cBus } from '../../drivers/i2c/i2c-bus.js';
import { Ina226Sensor } from '../../drivers/ina226/ina226-sensor.js';
import { Ina226 } from '../../drivers/ina226/ina226.js';
import {
  busVoltageV,
  registerCurrentA,
  registerPowerW,
  shuntVoltageV,
} from '../../drivers/ina226/ina226-registers.js';
import { seededRandom } from '../../common/random.js';
import { testRail } from '../drivers/fakes.js';
import { SETTINGS } from '../drivers/ina226/sensor-set-up.js';
import { powerSensorContract } from './power-suite.js';
import { bindKernelDriver, kernelNumber, openVmRig, setAdapter } from './power-vm-rig.js';

const KERNELS = 0x40;
const OURS = 0x41;
const SETS = 1000;
/** The kernel driver's default resistor; its calibration is 2048. */
const KERNEL_OHMS = 0.01;

const rig = openVmRig();
const bus = openI2cBus(0);
const settings = { ...SETTINGS, address: OURS };
/** `DIV_ROUND_CLOSEST` of the kernel: to the nearest, halves away from zero. */
const divided = (value: number, by: number): number =>
  Math.sign(value) * Math.floor((Math.abs(value) + by / 2) / by);

powerSensorContract(t, `INA226 over Linux I2C (${rig.adapter})`, () => {
  // The VM's time runs on; what the contract advances is added to it.
  let addedMs = 0;
  const clock = { monotonicMs: () => systemClock.monotonicMs() + addedMs };
  const sensor = new Ina226Sensor({ bus, clock }, { rail: testRail(), settings, periodMs: 1 });
  rig.set(OURS, { 0xfe: 0x5449, 0xff: 0x2260, 0x02: 9584 });
  return {
    sensor,
    nowMs: clock.monotonicMs,
    advance: (ms) => (addedMs += ms),
    setCurrentA: (currentA) => {
      rig.set(OURS, { 0x01: Math.round(currentA / 1.25e-3) & 0xffff, 0x02: 9584, 0x00: 0x41df });
      return 11.98;
    },
    // The stub is memory: it always answers.
    unplug: rig.adapter === 'sim' ? () => setAdapter('nack_left', 1e6) : null,
    plug: () => setAdapter('nack_left', 0),
    resolution: { voltageV: 1.25e-3, currentA: 1.25e-3 },
  };
});

t.test(`agrees with the kernel's ina2xx on ${SETS} random register sets`, async (t) => {
  rig.set(KERNELS, { 0x00: 0x4127, 0xfe: 0x5449, 0xff: 0x2260 });
  const folder = bindKernelDriver(KERNELS);
  const chip = new Ina226({ bus }, { ...settings, shuntOhms: KERNEL_OHMS });
  chip.identify();
  chip.configure();
  const random = seededRandom(4);
  const word = (): number => Math.floor(random() * 0x10000);
  let agreed = 0;
  for (let i = 0; i < SETS; i += 1) {
    // Never 0: the kernel takes a zero result for a lost calibration and sets the chip up anew.
    const registers = { 0x01: word() || 1, 0x02: word() & 0x7fff || 1, 0x03: word() || 1, 0x04: word() || 1 };
    rig.set(KERNELS, registers);
    rig.set(OURS, registers);
    const raw = chip.readRegisters();
    const ours = {
      in0_input: divided(Math.round(shuntVoltageV(raw.shuntVoltage) * 1e7), 1e4),
      in1_input: divided(Math.round(busVoltageV(raw.busVoltage) * 1e6), 1e3),
      curr1_input: divided(Math.round(registerCurrentA(raw.current, chip.currentLsbA) * 1e6), 1e3),
      power1_input: Math.round(Math.abs(registerPowerW(raw.power, chip.currentLsbA, raw.shuntVoltage)) * 1e6),
    };
    const kernels = Object.fromEntries(
      Object.keys(ours).map((file) => [file, kernelNumber(folder, file)]),
    ) as typeof ours;
    if (JSON.stringify(ours) === JSON.stringify(kernels)) agreed += 1;
    else t.same(ours, kernels, JSON.stringify(registers));
  }
  t.equal(agreed, SETS, `${agreed} of ${SETS} sets equal in mV, mA and uW`);
  t.comment(`kernel comparison (${rig.adapter}): ${agreed} of ${SETS} register sets equal`);
});

t.test('an address that the kernel owns is refused, and named', async (t) => {
  const owned = new Ina226({ bus }, { ...settings, address: KERNELS });
  t.throws(() => owned.identify(), { code: 'BUS_BUSY' });
  t.throws(() => owned.identify(), { code: 'BUS_BUSY' }, 'again: no descriptor without an address was kept');
  const [info] = listI2cBuses('/sys');
  t.match(info, { number: 0 });
  t.match(info && collisionWarning('/sys', info, KERNELS), /belongs to the kernel driver ina2xx/);
  t.match(
    findSysfsRails('/sys').map(({ rail }) => rail.name),
    ['ina226-0-0040'],
  );
});

t.test('the rail of the kernel driver measures the same chip through hwmon', async (t) => {
  const found = findSysfsRails('/sys').find(({ rail }) => rail.name === 'ina226-0-0040');
  const sensor = new SysfsSensor({ clock: systemClock }, found!);
  rig.set(KERNELS, { 0x01: 0x10000 - 800, 0x02: 9600, 0x03: 307, 0x04: 0x10000 - 800 });
  const sample = sensor.sample();
  t.match([sample.voltageV, sample.currentA], [12, -0.2]);
  t.ok(Math.abs(sample.powerW + 307 * 25 * 250e-6) < 1e-9, 'signed, in W');
});

t.test('no chip and no bus are told apart', async (t) => {
  const absent = new Ina226({ bus }, { ...settings, address: 0x4f });
  t.throws(() => absent.identify(), { code: 'CHIP_NOT_ANSWERING' });
  t.throws(() => openI2cBus(9).read(OURS, 0), { code: 'BUS_UNAVAILABLE' });
});

t.test(
  'NACKs, a reset and CVRF over real transfers',
  { skip: rig.adapter !== 'sim' && 'stub' },
  async (t) => {
    let addedMs = 0;
    const clock = { monotonicMs: () => systemClock.monotonicMs() + addedMs };
    const sensor = new Ina226Sensor({ bus, clock }, { rail: testRail(), settings, periodMs: 1 });
    sensor.start();
    rig.set(OURS, { 0x01: 800, 0x02: 9600 });
    addedMs += 5;
    for (const errno of [121, 6, 11]) {
      setAdapter('nack_errno', errno);
      setAdapter('nack_left', 2);
      t.ok(sensor.sample(), `two failures with errno ${errno} are retried`);
    }
    t.equal(sensor.counters.retries, 6);
    setAdapter('nack_errno', 110);
    setAdapter('nack_left', 1);
    t.throws(() => sensor.sample(), { code: 'BUS_STUCK' });
    t.equal(bus.generation > 0, true, 'reopened');
    bus.write(OURS, 0x00, 0x8000);
    t.equal(bus.read(OURS, 0x05), 0, 'reset took the calibration');
    sensor.sample();
    t.equal(bus.read(OURS, 0x05), settings.calibration, 'checked and set up again after the time-out');
    rig.set(OURS, { 0x06: 0x0008 });
    const chip = new Ina226({ bus }, settings);
    t.equal(chip.readFlags().conversionReady, true);
    t.equal(chip.readFlags().conversionReady, false, 'cleared by the first reading');
  },
);
