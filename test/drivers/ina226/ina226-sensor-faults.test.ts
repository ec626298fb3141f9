import t from 'tap';
import { Ina226Sensor } from '../../../drivers/ina226/ina226-sensor.js';
import { testRail } from '../fakes.js';
import { ADDRESS, SETTINGS, setUp } from './sensor-set-up.js';

t.test('a lost calibration is noticed within a second and restored', async (t) => {
  const { clock, bus, sensor, chip, notices, ready } = setUp();
  ready();
  sensor.sample();
  bus.addIna226(ADDRESS, { 0x01: 8000, 0x02: 9584 });
  clock.nowMs += 1001;
  t.equal(sensor.sample(), null, 'no value until the restored set-up has converted');
  t.equal(bus.chips.get(ADDRESS)?.get(0x05), 2048);
  t.equal(bus.chips.get(ADDRESS)?.get(0x00), chip.get(0x00));
  t.equal(sensor.counters.restored, 1);
  t.match(notices, [/lost its calibration or configuration/]);
  clock.nowMs += 5;
  t.not(sensor.sample(), null);
});

t.test('0 V and 0 A asks at once whether a brown-out is behind it, but not at every sample', async (t) => {
  const { clock, bus, sensor, ready } = setUp();
  ready();
  sensor.sample();
  clock.nowMs += 60;
  bus.addIna226(ADDRESS);
  t.equal(sensor.sample(), null, 'the zeros of a reset chip are no measurement');
  t.equal(sensor.counters.restored, 1);
  clock.nowMs += 5;
  t.equal(sensor.sample()?.powerW, 0, 'a rail that is really off measures 0 W');
  const before = bus.transfers.length;
  clock.nowMs += 1;
  sensor.sample();
  t.equal(bus.transfers.length - before, 2, 'two register reads, no check');
});

t.test('a NACK or a lost arbitration is retried and counted', async (t) => {
  const { bus, sensor, ready } = setUp();
  ready();
  bus.failures.push('CHIP_NOT_ANSWERING', 'BUS_ARBITRATION_LOST');
  t.not(sensor.sample(), null);
  t.equal(sensor.counters.retries, 2);
  t.equal(bus.generation, 0);
});

t.test('after three failures the error is reported and the chip checked again next time', async (t) => {
  const { bus, clock, sensor, ready } = setUp();
  ready();
  bus.failures.push('CHIP_NOT_ANSWERING', 'CHIP_NOT_ANSWERING', 'CHIP_NOT_ANSWERING');
  t.throws(() => sensor.sample(), { code: 'CHIP_NOT_ANSWERING' });
  bus.transfers.length = 0;
  clock.nowMs += 5;
  t.not(sensor.sample(), null, 'a chip that kept its set-up converted on');
  t.match(bus.transfers[0], { kind: 'read', register: 0xfe });
  t.ok(
    bus.transfers.every(({ kind }) => kind === 'read'),
    'nothing is written, which would restart it',
  );
});

t.test('a stuck bus is closed and opened, and every chip on it checked again', async (t) => {
  const { bus, clock, sensor, ready } = setUp();
  bus.addIna226(0x45, { 0x01: 1, 0x02: 1 });
  const settings = { ...SETTINGS, address: 0x45 };
  const other = new Ina226Sensor({ bus, clock }, { rail: testRail(), settings, periodMs: 1 });
  other.start();
  ready();
  bus.failures.push('BUS_STUCK');
  t.throws(() => sensor.sample(), { code: 'BUS_STUCK' });
  t.equal(bus.generation, 1);
  bus.transfers.length = 0;
  other.sample();
  t.match(bus.transfers[0], { kind: 'read', address: 0x45, register: 0xfe });
});

t.test('an owned address is a matter for a person: no retry, no reopening', async (t) => {
  const { bus, sensor } = setUp();
  bus.failures.push('BUS_BUSY');
  t.throws(() => sensor.start(), { code: 'BUS_BUSY' });
  t.equal(sensor.counters.retries, 0);
  t.equal(bus.generation, 0);
});
