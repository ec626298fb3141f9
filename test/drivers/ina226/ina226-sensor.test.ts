import t from 'tap';
import { SAMPLE_FLAGS } from '../../../drivers/power-sensor.js';
import { SETTINGS, setUp } from './sensor-set-up.js';

t.test('starting checks who answers, then writes calibration before configuration', async (t) => {
  const { bus, sensor } = setUp();
  sensor.start();
  t.same(
    bus.transfers.map(({ kind, register }) => `${kind} ${register.toString(16)}`),
    ['read fe', 'read ff', 'write 5', 'write 0'],
  );
  sensor.start();
  t.equal(bus.transfers.length, 4, 'a second start does nothing');
  sensor.stop();
  sensor.stop();
});

t.test('another chip is refused by its ids, with a guess where they give it away', async (t) => {
  for (const [ids, text] of [
    [[0x5449, 0x3220], /INA3221: the kernel measures it/],
    [[0x399f, 0x399f], /without id registers, such as an INA219/],
    [[0x5449, 0x2270], /another chip of the same maker/],
    [[0x1234, 0x5678], /ids 0x1234\/0x5678, expected 0x5449\/0x2260/],
  ] as const) {
    const { chip, sensor } = setUp();
    chip.set(0xfe, ids[0]).set(0xff, ids[1]);
    t.throws(() => sensor.sample(), { code: 'CHIP_WRONG', message: text });
  }
});

t.test('a sample has V, A and W of the shunt and bus registers', async (t) => {
  const { sensor, chip, ready } = setUp();
  ready();
  const sample = sensor.sample();
  t.match(sample, { flags: 0 });
  t.ok(Math.abs((sample?.voltageV ?? 0) - 11.98) < 1e-9);
  t.ok(Math.abs((sample?.currentA ?? 0) - 10) < 1e-9);
  t.ok(Math.abs((sample?.powerW ?? 0) - 119.8) < 1e-9);
  chip.set(0x01, 0x10000 - 8000);
  t.ok(Math.abs((sensor.sample()?.powerW ?? 0) + 119.8) < 1e-9, 'power flows back with a negative shunt');
});

t.test('nothing is reported before the first conversion is done', async (t) => {
  const { clock, sensor } = setUp();
  t.equal(sensor.sample(), null);
  clock.nowMs += 0.9;
  t.equal(sensor.sample(), null);
  clock.nowMs += 0.2;
  t.not(sensor.sample(), null);
});

t.test('a time stamp is the middle of the reading less half the window and the mean age', async (t) => {
  const { clock, bus, sensor, ready } = setUp();
  ready();
  bus.transferMs = 0.12;
  const startMs = clock.nowMs;
  const tMs = sensor.sample()?.tMs ?? 0;
  t.ok(Math.abs(tMs - (startMs + 0.12 - 0.92)) < 1e-9);
});

t.test('the same conversion read twice is marked, a steady load is not', async (t) => {
  const { clock, sensor, chip, ready } = setUp();
  ready();
  const flagsAfter = (ms: number): number => {
    clock.nowMs += ms;
    return sensor.sample()?.flags ?? -1;
  };
  t.equal(flagsAfter(1), 0);
  t.equal(flagsAfter(0.5), SAMPLE_FLAGS.duplicate, 'within one update period');
  t.equal(flagsAfter(0.5), 0, 'an update period after the fresh one');
  chip.set(0x01, 8001);
  t.equal(flagsAfter(0.1), 0, 'other values are a new conversion');
});

t.test('full scale of shunt or bus is flagged', async (t) => {
  const { sensor, chip, ready } = setUp();
  ready();
  for (const [register, value] of [
    [0x01, 0x7fff],
    [0x01, 0x8000],
    [0x02, 0x7fff],
  ] as const) {
    const before = chip.get(register) ?? 0;
    chip.set(register, value);
    t.equal(sensor.sample()?.flags, SAMPLE_FLAGS.clipped);
    chip.set(register, before);
  }
  t.not(sensor.sample()?.flags, SAMPLE_FLAGS.clipped);
});

t.test("the chip's own overflow and alert flags reach the samples", async (t) => {
  const { clock, sensor, chip, ready } = setUp();
  ready();
  chip.set(0x06, 0b10100);
  clock.nowMs += 1001;
  t.equal(sensor.sample()?.flags, SAMPLE_FLAGS.overflow | SAMPLE_FLAGS.alert);
  clock.nowMs += 10;
  t.equal(sensor.sample()?.flags, SAMPLE_FLAGS.overflow, 'an alert is told once');
});

t.test('triggered: each sample starts the next conversion, and is dated by its trigger', async (t) => {
  const configuration = { ...SETTINGS.configuration, mode: 'bothTriggered' } as const;
  const { bus, clock, sensor } = setUp({ configuration });
  sensor.start();
  const firstMs = clock.nowMs;
  clock.nowMs += 1.1;
  t.ok(Math.abs((sensor.sample()?.tMs ?? 0) - (firstMs + 0.46)) < 1e-9);
  t.match(bus.transfers.at(-1), { kind: 'write', register: 0x00 });
  const secondMs = clock.nowMs;
  clock.nowMs += 5;
  const sample = sensor.sample();
  t.ok(Math.abs((sample?.tMs ?? 0) - (secondMs + 0.46)) < 1e-9, 'however late it is read');
  t.equal(sample?.flags, 0, 'equal values of two triggers are no duplicate');
});

t.test('an alert is set with its function off while the limit changes', async (t) => {
  const { bus, sensor } = setUp({ alert: { over: 'current', limit: 10 } });
  sensor.start();
  t.same(
    bus.transfers.slice(3, 6).map(({ register, value }) => [register, value]),
    [
      [0x06, 0],
      [0x07, 8000],
      [0x06, 0x8000],
    ],
  );
});
