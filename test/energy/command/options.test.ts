import t from 'tap';
import { isBeyond, parseWatch } from '../../../drivers/alerts.js';
import { chipAlert } from '../../../drivers/ina226/chip.js';
import { powerConfigSchema } from '../../../energy/config.js';
import { powerOptions, scanOptions } from '../../../energy/command/options.js';
import { Watcher } from '../../../energy/watcher.js';
import { SampleRing } from '../../../drivers/sampler/sample-ring.js';
import { testRail } from '../../drivers/fakes.js';

t.test('no flag: rails are found; a configuration with rails counts', async (t) => {
  t.equal(powerOptions({}).power, null);
  t.equal(powerOptions({}, powerConfigSchema.parse({})).power, null);
  const configured = powerConfigSchema.parse({ rails: [{ kind: 'auto' }] });
  t.equal(powerOptions({}, configured).power, configured);
  t.match(powerOptions({}), { durationS: null, intervalS: 1, format: 'table', recordFile: null, alerts: [] });
});

t.test('a shunt makes INA226 rails, one an address', async (t) => {
  const { power } = powerOptions({ shunt: '10m', address: '0x44,0x45', bus: '7', rate: 500 });
  t.match(power?.rails, [
    { kind: 'ina226', bus: '7', address: 0x44, shuntOhms: 0.01, rateHz: 500 },
    { kind: 'ina226', address: 0x45 },
  ]);
  t.match(powerOptions({ shunt: '0.002', simulate: true }).power, {
    simulate: true,
    rails: [{ shuntOhms: 0.002 }],
  });
});

t.test('nonsense is refused by flag and value', async (t) => {
  for (const [argv, message] of [
    [{ shunt: '0' }, /--shunt .*got 0/],
    [{ shunt: 'ten' }, /--shunt/],
    [{ shunt: '0.01', address: '0x20' }, /--address .*got 0x20/],
    [{ duration: -1 }, /--duration/],
    [{ interval: 'x' }, /--interval/],
    [{ simulate: true, rate: 5000 }, /--rate/],
    [{ alert: ['loud'] }, /"loud" is none/],
  ] as const) {
    t.throws(() => powerOptions(argv), { code: 'CONFIG_INVALID', message });
  }
  t.same(scanOptions({ format: 'json' }), { format: 'json' });
});

t.test('alerts are read as people write them', async (t) => {
  t.same(parseWatch('module>7W'), { rail: 'module', quantity: 'power', over: true, limit: 7 });
  t.same(parseWatch(' board < 11.5 V '), { rail: 'board', quantity: 'voltage', over: false, limit: 11.5 });
  t.same(parseWatch('>-2A'), { rail: '', quantity: 'current', over: true, limit: -2 });
  t.equal(parseWatch('x>7').quantity, 'power');
  const sample = { tMs: 0, powerW: 8, voltageV: 11, currentA: 0.7, flags: 0 };
  t.ok(isBeyond(parseWatch('>7W'), sample));
  t.notOk(isBeyond(parseWatch('<11V'), sample), 'at the limit is not beyond it');
  t.same(chipAlert(parseWatch('<11.5V')), { under: 'voltage', limit: 11.5 });
  t.throws(() => chipAlert(parseWatch('<5W')), { code: 'CONFIG_INVALID' });
});

t.test('a single alert also sets the ALERT pin, where the chip can watch it', async (t) => {
  const railFor = (alert: string) => powerOptions({ shunt: '0.01', alert: [alert] }).power?.rails[0];
  t.match(railFor('>2A'), { kind: 'ina226', alert: '>2A' });
  t.match(railFor('<5W'), { kind: 'ina226', alert: null });
});

t.test('the watcher starts with its time, counts crossings, and knows what it missed', async (t) => {
  const ring = new SampleRing(SampleRing.allocate(100, 1));
  const rail = { rail: testRail({ name: 'a' }), rateHz: 100, gapMs: 50, ring, problem: null };
  const rows: string[] = [];
  const alerts: string[] = [];
  const watcher = new Watcher(
    { record: (text) => rows.push(text), alert: (text) => alerts.push(text) },
    { watches: [parseWatch('a>5W'), parseWatch('other>0W')], startMs: 1000 },
  );
  const push = (tMs: number, powerW: number): void =>
    ring.push({ tMs, powerW, voltageV: 1, currentA: powerW, flags: 0 });
  push(990, 9);
  for (const powerW of [4, 6, 7, 4, 6]) push(1000 + ring.head, powerW);
  watcher.look([rail]);
  watcher.look([rail]);
  t.equal(rows.join('').trim().split('\r\n').length, 5, 'not the sample before the start');
  t.equal(watcher.crossings, 2);
  t.match(alerts[0], /^alert at 0\.00\d s: a above 5 W$/);
  for (let i = 0; i < 250; i += 1) push(2000 + i, 1);
  watcher.look([rail]);
  t.equal(watcher.lost, 151, 'overwritten before it looked');
});
