import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { powerConfigSchema } from '../../energy/config.js';
import { createEnergyMeter } from '../../energy/meter.js';
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
