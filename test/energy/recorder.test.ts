import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { powerConfigSchema } from '../../energy/config.js';
import { parseRecordRow, recordRow } from '../../energy/record.js';
import { createEnergyMeter } from '../../energy/create-meter.js';
import { createBoard } from '../../common/activity.js';
import { systemClock } from '../../common/clock.js';
import { silentLog } from '../../common/log.js';

t.test(
  'every sample is recorded where a file is named, and a frame names its rails and stages',
  async (t) => {
    const file = join(t.testdir(), 'samples.csv');
    const meter = createEnergyMeter(
      { log: silentLog(), clock: systemClock, board: createBoard() },
      powerConfigSchema.parse({ simulate: true, recordFile: file }),
    );
    await meter.start();
    while (meter.rails()[0]?.samples === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    const frame = meter.frame('a');
    frame.enter('local');
    await new Promise((resolve) => setTimeout(resolve, 60));
    frame.leave('local');
    const energy = await frame.finish();
    await meter.stop();
    const [header, ...rows] = readFileSync(file, 'utf8').trimEnd().split('\r\n');
    t.equal(header, 'time_s,rail,power_W,voltage_V,current_A,flags,simulated');
    t.ok(rows.length > 0 && rows.length === meter.rails()[0]?.samples);
    const times = rows.map((row) => Number(row.split(',')[0]) * 1000);
    t.ok(times.every((tMs, i) => i === 0 || tMs >= (times[i - 1] ?? 0)));
    t.ok(Math.abs(Number(times.at(-1)) - systemClock.monotonicMs()) < 30_000, 'on the monotonic clock');
    t.ok(meter.rails()[0]?.counted);
    if (!energy) return; // a starved sampler measures nothing rather than something
    t.same(energy.railsJ, { sim_module: { gross: energy.grossJ, net: energy.netJ } });
    t.same(Object.keys(energy.stagesJ ?? {}), ['local']);
  },
);

t.test('a recorded row is read back as it was written, and what is no row is passed over', async (t) => {
  const sample = { powerW: 3.25, voltageV: 19.008, currentA: -0.171, flags: 9 };
  const row = recordRow({ name: 'sim_module', simulated: true }, 12.345678, sample).trimEnd();
  t.same(parseRecordRow(row), {
    rail: 'sim_module',
    simulated: true,
    sample: { tMs: 12.345678 * 1e3, ...sample },
  });
  const header = 'time_s,rail,power_W,voltage_V,current_A,flags,simulated';
  for (const none of [
    header,
    '',
    row.slice(0, row.lastIndexOf(',')),
    row.replace('3.250000', ''),
    `${row},1`,
  ]) {
    t.equal(parseRecordRow(none), null, none);
  }
});
