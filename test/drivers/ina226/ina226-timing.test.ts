import fc from 'fast-check';
import t from 'tap';
import {
  AVERAGES,
  CONVERSION_TIMES_US,
  MODES,
  decodeConfiguration,
  encodeConfiguration,
  timingFor,
  updateMs,
  type Mode,
} from '../../../drivers/ina226/ina226-timing.js';

const AUTO = { averages: 'auto', shuntConversionUs: 'auto', busConversionUs: 'auto' } as const;
const configurations = fc.record({
  averages: fc.constantFrom(...AVERAGES),
  shuntConversionUs: fc.constantFrom(...CONVERSION_TIMES_US),
  busConversionUs: fc.constantFrom(...CONVERSION_TIMES_US),
  mode: fc.constantFrom(...(Object.keys(MODES) as Mode[])),
});

t.test('the reset value and the one Linux writes read as the data sheet says', async (t) => {
  const reset = decodeConfiguration(0x4127);
  t.same(reset, {
    averages: 1,
    shuntConversionUs: 1100,
    busConversionUs: 1100,
    mode: 'bothContinuous',
  });
  t.equal(encodeConfiguration(reset), 0x4127);
  t.equal(decodeConfiguration(0x4527).averages, 16);
});

t.test('every configuration survives encoding, with the reserved bits at 100b', async () => {
  fc.assert(
    fc.property(configurations, (configuration) => {
      const raw = encodeConfiguration(configuration);
      const back = decodeConfiguration(raw);
      const keys = Object.keys(configuration) as (keyof typeof configuration)[];
      return raw >> 12 === 4 && keys.every((key) => back[key] === configuration[key]);
    }),
  );
});

t.test('the second off code reads as off', async (t) => {
  t.equal(decodeConfiguration(0x4124).mode, 'off');
});

t.test('an update takes averages times both conversions, or the one that the mode has', async (t) => {
  const timing = { averages: 4, shuntConversionUs: 588, busConversionUs: 140 } as const;
  t.equal(updateMs({ ...timing, mode: 'bothContinuous' }), 2.912);
  t.equal(updateMs({ ...timing, mode: 'shuntContinuous' }), 2.352);
  t.equal(updateMs({ ...timing, mode: 'busTriggered' }), 0.56);
  t.equal(updateMs({ ...timing, mode: 'off' }), 0);
});

t.test('automatic timing watches the shunt for most of a sample period and never longer', async (t) => {
  const at1kHz = timingFor(1000, AUTO, 'bothContinuous');
  t.same(at1kHz, {
    averages: 1,
    shuntConversionUs: 588,
    busConversionUs: 332,
    mode: 'bothContinuous',
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3571 }), (rateHz) => {
      const timing = timingFor(rateHz, AUTO, 'bothContinuous');
      return updateMs(timing) <= 1000 / rateHz + 1e-9;
    }),
  );
});

t.test('a rate beyond the chip is refused with the rate that is possible', async (t) => {
  t.throws(() => timingFor(4000, AUTO, 'bothContinuous'), {
    code: 'RAIL_RATE_IMPOSSIBLE',
    message: /at most 3571 Hz/,
  });
  t.throws(() => timingFor(1000, { ...AUTO, averages: 16 }, 'bothContinuous'), {
    code: 'RAIL_RATE_IMPOSSIBLE',
    message: /4480 us: at most 223 Hz/,
  });
});
