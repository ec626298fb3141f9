import fc from 'fast-check';
import t from 'tap';
import { isEdgemuxError } from '../../../common/errors.js';
import {
  CALIBRATION_UNITY,
  busClipped,
  busVoltageV,
  calibrationFor,
  chipArithmetic,
  currentLsbA,
  fullScaleA,
  registerCurrentA,
  registerPowerW,
  shuntClipped,
  shuntCurrentA,
  shuntVoltageV,
  signed16,
} from '../../../drivers/ina226/ina226-registers.js';

const near = (a: number, b: number, relative = 1e-9): boolean => Math.abs(a - b) <= relative * Math.abs(b);
const raw16 = fc.integer({ min: 0, max: 0xffff });
const ohms = fc.double({ min: 1e-4, max: 1, noNaN: true });

t.test('the data sheet example: 2 milliohm, shunt 8000, bus 9584', async (t) => {
  const calibration = calibrationFor(1e-3, 2e-3);
  t.equal(calibration, 2560, 'calibration of a 1 mA LSB');
  t.same(chipArithmetic(8000, 9584, 2560), { current: 10_000, power: 4792, overflow: false });
  const lsbA = currentLsbA(2560, 2e-3);
  t.ok(near(registerCurrentA(10_000, lsbA), 10), '10 A');
  t.ok(near(registerPowerW(4792, lsbA, 8000), 119.8), '119.8 W');
  t.ok(near(shuntVoltageV(8000), 0.02), '20 mV');
  t.ok(near(busVoltageV(9584), 11.98), '11.98 V');
  t.ok(near(shuntCurrentA(8000, 2e-3), 10), 'the shunt alone says 10 A too');
});

t.test('with the unity calibration the current register equals the shunt register', async (t) => {
  t.same(chipArithmetic(8000, 9584, CALIBRATION_UNITY), { current: 8000, power: 3833, overflow: false });
  t.ok(near(currentLsbA(CALIBRATION_UNITY, 2e-3), 1.25e-3));
  t.ok(near(registerPowerW(3833, 1.25e-3, 8000), 119.78, 1e-4));
  fc.assert(
    fc.property(
      raw16,
      raw16,
      (shunt, bus) => chipArithmetic(shunt, bus, CALIBRATION_UNITY).current === shunt,
    ),
  );
});

t.test('the known bugs of other drivers', async (t) => {
  t.test('calibration has 15 bits and never wraps (RobTillaart #47, PX4 #28316)', async (t) => {
    t.equal(calibrationFor(0.00512 / (32_767 * 0.1), 0.1), 32_767);
    t.throws(() => calibrationFor(1e-7, 0.1), { code: 'RAIL_CONFIG_INVALID' });
    t.throws(() => calibrationFor(1e3, 0.1), { code: 'RAIL_CONFIG_INVALID' });
    fc.assert(
      fc.property(fc.double({ min: 1e-9, max: 10, noNaN: true }), ohms, (lsbA, shuntOhms) => {
        try {
          const calibration = calibrationFor(lsbA, shuntOhms);
          return Number.isInteger(calibration) && calibration >= 1 && calibration <= 0x7fff;
        } catch (error) {
          return isEdgemuxError(error, 'RAIL_CONFIG_INVALID');
        }
      }),
    );
  });

  t.test('negative currents keep their sign (RobTillaart #7, Zephyr #116005, ESPHome #6172)', async (t) => {
    t.equal(signed16(0xffff), -1);
    t.equal(signed16(0x8000), -32_768);
    t.ok(near(shuntVoltageV(0x8300), -0.08), '0x8300 is -80 mV');
    t.ok(near(shuntCurrentA(0x10000 - 8000, 2e-3), -10));
    const flow = chipArithmetic(0x10000 - 8000, 9584, 2560);
    t.equal(signed16(flow.current), -10_000);
    t.equal(flow.power, 4792, 'the power register has no sign');
    t.ok(near(registerPowerW(flow.power, 1e-3, 0x10000 - 8000), -119.8), 'the shunt gives it one');
  });

  t.test(
    'power is voltage times current, within the truncation of the registers (ESPHome #1887)',
    async () => {
      const positive = fc.integer({ min: 0, max: 0x7fff });
      fc.assert(
        fc.property(positive, positive, ohms, (shunt, bus, shuntOhms) => {
          const chip = chipArithmetic(shunt, bus, CALIBRATION_UNITY);
          if (chip.overflow) return true;
          const lsbA = currentLsbA(CALIBRATION_UNITY, shuntOhms);
          const powerW = registerPowerW(chip.power, lsbA, shunt);
          const productW = busVoltageV(bus) * shuntCurrentA(shunt, shuntOhms);
          return productW - powerW >= -1e-9 * productW && productW - powerW < 25 * lsbA * (1 + 1e-9);
        }),
      );
    },
  );

  t.test(
    'the current LSB is that of the integer calibration, not the wished one (Zephyr #97590)',
    async (t) => {
      const calibration = calibrationFor(0.0007, 0.01);
      t.equal(calibration, 731, '731.43 truncated');
      t.not(currentLsbA(calibration, 0.01), 0.0007);
      t.ok(near(currentLsbA(calibration, 0.01) * calibration * 0.01, 0.00512));
    },
  );

  t.test('the LSBs are those of the INA226, not of the INA219 (10 uV, 4 mV)', async (t) => {
    t.ok(near(shuntVoltageV(1), 2.5e-6));
    t.ok(near(busVoltageV(1), 1.25e-3));
  });

  t.test('clipping is known at exactly full scale of either sign (ESPHome #2999)', async (t) => {
    t.ok(shuntClipped(0x7fff));
    t.ok(shuntClipped(0x8000));
    t.notOk(shuntClipped(0x7ffe));
    t.notOk(shuntClipped(0x8001));
    t.notOk(shuntClipped(0));
    t.ok(busClipped(0x7fff));
    t.notOk(busClipped(0x7ffe));
    t.ok(near(fullScaleA(0.1), 0.819175), '0.1 ohm clips at 0.819 A');
  });

  t.test('a calibration above 2048 overflows before the shunt does, and is flagged', async (t) => {
    t.ok(chipArithmetic(0x7000, 1000, 4096).overflow);
    t.ok(chipArithmetic(0x9000, 1000, 4096).overflow);
    t.notOk(chipArithmetic(0x3000, 1000, 4096).overflow);
  });

  t.test('bit 15 of the bus register carries nothing', async (t) => {
    t.equal(busVoltageV(0x8000 | 9584), busVoltageV(9584));
  });
});
