/** An INA226 sensor over a fake register map, for the sensor's tests. */
import { Ina226Sensor } from '../../../drivers/ina226/ina226-sensor.js';
import type { Ina226Settings } from '../../../drivers/ina226/ina226.js';
import { FakeBus, TestClock, testRail } from '../fakes.js';

export const ADDRESS = 0x44;
export const SETTINGS: Ina226Settings = {
  address: ADDRESS,
  shuntOhms: 2e-3,
  calibration: 2048,
  configuration: { averages: 1, shuntConversionUs: 588, busConversionUs: 332, mode: 'bothContinuous' },
};

export function setUp(settings: Partial<Ina226Settings> = {}) {
  const clock = new TestClock();
  const bus = new FakeBus(clock);
  const chip = bus.addIna226(ADDRESS, { 0x01: 8000, 0x02: 9584 });
  const notices: string[] = [];
  const sensor = new Ina226Sensor(
    { bus, clock, notice: (message) => notices.push(message) },
    { rail: testRail(), settings: { ...SETTINGS, ...settings }, periodMs: 1 },
  );
  /** One sample after the first conversion is surely done. */
  const ready = (): void => {
    sensor.start();
    clock.nowMs += 5;
  };
  return { clock, bus, chip, sensor, notices, ready };
}
