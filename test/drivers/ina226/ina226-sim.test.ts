import fc from 'fast-check';
import t from 'tap';
import { SimulatedIna226 } from '../../../drivers/ina226/ina226-sim.js';
import { MASK_BITS, REGISTERS, signed16 } from '../../../drivers/ina226/ina226-registers.js';
import { encodeConfiguration, type Configuration } from '../../../drivers/ina226/ina226-timing.js';
import { StepLoad } from '../../../drivers/simulation/load.js';
import { seededRandom } from '../../../common/random.js';
import { SimulatedBus } from '../../../drivers/simulation/simulated-bus.js';
import { TestClock } from '../fakes.js';

const FAST: Configuration = {
  averages: 1,
  shuntConversionUs: 588,
  busConversionUs: 332,
  mode: 'bothContinuous',
};

function chip(powerW: number, options: { voltageV?: number; shuntOhms?: number } = {}): SimulatedIna226 {
  const load = new StepLoad([{ fromMs: 0, powerW }]);
  return new SimulatedIna226({ load, voltageV: 12, shuntOhms: 2e-3, ...options });
}

t.test('after power-on the registers hold the reset values and no conversion', async (t) => {
  const sim = chip(24);
  t.equal(sim.read(REGISTERS.configuration, 0), 0x4127);
  t.equal(sim.read(REGISTERS.manufacturerId, 0), 0x5449);
  t.equal(sim.read(REGISTERS.dieId, 0), 0x2260);
  t.equal(sim.read(REGISTERS.shuntVoltage, 1), 0);
  t.equal(sim.read(REGISTERS.shuntVoltage, 2.3), 1600, '2 A over 2 milliohm after 2.2 ms');
  t.equal(sim.read(REGISTERS.busVoltage, 2.3), 9600);
  t.equal(sim.read(REGISTERS.current, 2.3), 0, 'no current before the calibration');
});

t.test('current and power follow the data sheet once calibrated', async (t) => {
  const sim = chip(119.8, { voltageV: 11.98 });
  sim.write(REGISTERS.calibration, 2560, 0);
  t.equal(sim.read(REGISTERS.shuntVoltage, 3), 8000);
  t.equal(sim.read(REGISTERS.busVoltage, 3), 9584);
  t.equal(sim.read(REGISTERS.current, 3), 10_000);
  t.equal(sim.read(REGISTERS.power, 3), 4792);
});

t.test('CVRF is set by a finished conversion, cleared by reading it or by a new configuration', async (t) => {
  const sim = chip(24);
  const ready = (ms: number): boolean =>
    (sim.read(REGISTERS.maskEnable, ms) & MASK_BITS.conversionReadyFlag) !== 0;
  t.notOk(ready(1));
  t.ok(ready(2.3));
  t.notOk(ready(2.4), 'another reader would steal it');
  t.ok(ready(4.5));
  sim.read(REGISTERS.shuntVoltage, 8);
  sim.write(REGISTERS.configuration, encodeConfiguration(FAST), 8);
  t.notOk(ready(8.1));
});

t.test('a conversion sees the mean power of its own window', async (t) => {
  const load = new StepLoad([
    { fromMs: 0, powerW: 0 },
    { fromMs: 0.294, powerW: 24 },
  ]);
  const sim = new SimulatedIna226({ load, voltageV: 12, shuntOhms: 2e-3 });
  sim.write(REGISTERS.configuration, encodeConfiguration(FAST), 0);
  t.equal(sim.read(REGISTERS.shuntVoltage, 0.93), 800, 'half of the 588 us at 24 W');
});

t.test('averages appear only when all are done', async (t) => {
  const sim = chip(24);
  sim.write(REGISTERS.configuration, encodeConfiguration({ ...FAST, averages: 16 }), 0);
  t.equal(sim.read(REGISTERS.shuntVoltage, 14.7), 0);
  t.equal(sim.read(REGISTERS.shuntVoltage, 14.8), 1600);
});

t.test('a trigger converts once', async (t) => {
  const load = new StepLoad([
    { fromMs: 0, powerW: 12 },
    { fromMs: 5, powerW: 24 },
  ]);
  const sim = new SimulatedIna226({ load, voltageV: 12, shuntOhms: 2e-3 });
  const trigger = encodeConfiguration({ ...FAST, mode: 'bothTriggered' });
  sim.write(REGISTERS.configuration, trigger, 0);
  t.equal(sim.read(REGISTERS.shuntVoltage, 10), 800);
  sim.write(REGISTERS.configuration, trigger, 10);
  t.equal(sim.read(REGISTERS.shuntVoltage, 11), 1600);
});

t.test('the shunt clips at full scale of either sign', async (t) => {
  t.equal(chip(1e6).read(REGISTERS.shuntVoltage, 3), 0x7fff);
  t.equal(chip(-1e6).read(REGISTERS.shuntVoltage, 3), 0x8000);
  const negative = chip(-24);
  t.equal(signed16(negative.read(REGISTERS.shuntVoltage, 3)), -1600);
});

t.test('a reset forgets the calibration; results are read-only; calibration has 15 bits', async (t) => {
  const sim = chip(24);
  sim.write(REGISTERS.calibration, 0xffff, 0);
  t.equal(sim.read(REGISTERS.calibration, 0), 0x7fff);
  sim.write(REGISTERS.power, 123, 0);
  t.equal(sim.read(REGISTERS.power, 0), 0);
  sim.write(REGISTERS.configuration, 0x8000, 1);
  t.equal(sim.read(REGISTERS.calibration, 1), 0);
  t.equal(sim.read(REGISTERS.configuration, 1), 0x4127);
});

t.test('an alert trips above its limit, and a latched one stays until it is read', async (t) => {
  const load = new StepLoad([
    { fromMs: 0, powerW: 24 },
    { fromMs: 5, powerW: 12 },
  ]);
  const alerting = (latch: number): boolean[] => {
    const sim = new SimulatedIna226({ load, voltageV: 12, shuntOhms: 2e-3 });
    sim.write(REGISTERS.alertLimit, 1000, 0);
    sim.write(REGISTERS.maskEnable, MASK_BITS.shuntOver | latch, 0);
    return [10, 12.3].map((ms) => (sim.read(REGISTERS.maskEnable, ms) & MASK_BITS.alertFunctionFlag) !== 0);
  };
  t.same(alerting(0), [false, false], 'transparent: over again by 10 ms');
  t.same(alerting(MASK_BITS.latch), [true, false]);
});

t.test('overflow of the arithmetic is flagged', async (t) => {
  const sim = chip(400, { voltageV: 12 });
  sim.write(REGISTERS.calibration, 8192, 0);
  t.ok(sim.read(REGISTERS.maskEnable, 3) & MASK_BITS.overflow);
});

t.test('a scripted load has an exact integral: windows add up', async () => {
  const step = fc.record({ fromMs: fc.double({ min: 0, max: 100, noNaN: true }), powerW: fc.nat(20) });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1 }), fc.nat(100), fc.nat(100), (steps, a, b) => {
      const load = new StepLoad([...steps].sort((x, y) => x.fromMs - y.fromMs));
      const middle = (a + b) / 2;
      const whole = load.energyJ(b) - load.energyJ(a);
      const parts = load.energyJ(middle) - load.energyJ(a) + load.energyJ(b) - load.energyJ(middle);
      return Math.abs(whole - parts) < 1e-9;
    }),
  );
});

t.test('the simulated bus fails as told, and only then', async (t) => {
  const clock = new TestClock(0);
  const blocked: number[] = [];
  const bus = new SimulatedBus({
    clock,
    chips: new Map([[0x40, chip(24)]]),
    random: seededRandom(7),
    block: (ms) => blocked.push(ms),
    faults: [
      { kind: 'nack', fromMs: 10, toMs: 20 },
      { kind: 'hang', fromMs: 20, toMs: 30, hangMs: 1000 },
      { kind: 'arbitration', fromMs: 30, toMs: 40, share: 0.5 },
    ],
  });
  t.equal(bus.read(0x40, 0xfe), 0x5449);
  t.throws(() => bus.read(0x41, 0xfe), { code: 'CHIP_NOT_ANSWERING' });
  clock.nowMs = 15;
  t.throws(() => bus.read(0x40, 0xfe), { code: 'CHIP_NOT_ANSWERING' });
  clock.nowMs = 25;
  t.throws(() => bus.read(0x40, 0xfe), { code: 'BUS_STUCK' });
  t.same(blocked, [1000]);
  clock.nowMs = 35;
  let lost = 0;
  for (let i = 0; i < 200; i += 1) {
    try {
      bus.read(0x40, 0xfe);
    } catch {
      lost += 1;
    }
  }
  t.ok(lost > 60 && lost < 140, `about half of 200: ${lost}`);
});
