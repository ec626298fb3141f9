import t from 'tap';
import { encodeAlert } from '../../../drivers/ina226/ina226-alerts.js';

const rail = { shuntOhms: 2e-3, calibration: 2560 };

t.test('limits are given in A, V and W and land in the units of their register', async (t) => {
  t.same(encodeAlert({ over: 'current', limit: 10 }, rail), { maskEnable: 0x8000, alertLimit: 8000 });
  t.same(encodeAlert({ under: 'current', limit: -10 }, rail), {
    maskEnable: 0x4000,
    alertLimit: 0x10000 - 8000,
  });
  t.same(encodeAlert({ over: 'voltage', limit: 11.98 }, rail), { maskEnable: 0x2000, alertLimit: 9584 });
  t.same(encodeAlert({ under: 'voltage', limit: 11.98 }, rail), { maskEnable: 0x1000, alertLimit: 9584 });
  t.same(encodeAlert({ over: 'power', limit: 119.8 }, rail), { maskEnable: 0x0800, alertLimit: 4792 });
  t.same(encodeAlert({ over: 'shunt', limit: -0.08 }, rail), { maskEnable: 0x8000, alertLimit: 0x8300 });
});

t.test('latch and polarity are bits beside the function', async (t) => {
  const alert = { over: 'current', limit: 1, latched: true, activeHigh: true } as const;
  t.equal(encodeAlert(alert, rail).maskEnable, 0x8003);
});

t.test('a limit that the register cannot hold is refused, not wrapped', async (t) => {
  t.throws(() => encodeAlert({ over: 'current', limit: 41 }, rail), {
    code: 'RAIL_CONFIG_INVALID',
    message: /-40.96 to 40.95/,
  });
  t.throws(() => encodeAlert({ over: 'voltage', limit: -1 }, rail), { code: 'RAIL_CONFIG_INVALID' });
  t.throws(() => encodeAlert({ over: 'power', limit: NaN }, rail), { code: 'RAIL_CONFIG_INVALID' });
});
