import t from 'tap';
import { platformFacts } from '../../../../lab/measure/run/platform.js';

t.test('power mode, governors and clocks of a TX2 are recorded as its kernel tells them', async (t) => {
  const freq = (now: number) => ({
    scaling_cur_freq: `${now}\n`,
    scaling_min_freq: '345600\n',
    scaling_max_freq: '2035200\n',
    scaling_governor: 'schedutil\n',
  });
  const cpu = {
    online: '0-5\n',
    ...Object.fromEntries([0, 1, 2, 3, 4, 5].map((i) => [`cpu${i}`, { cpufreq: freq(345600 + i * 1000) }])),
  };
  const gpu = {
    devfreq: { '17000000.gp10b': { cur_freq: '114750000', min_freq: '114750000', max_freq: '1300500000' } },
  };
  const root = t.testdir({
    sys: { devices: { system: { cpu }, '17000000.gp10b': gpu } },
    proc: { 'device-tree': { model: 'quill\u0000' } },
  });
  t.same(await platformFacts(root), {
    powerMode: 'MAXN',
    governors: ['schedutil'],
    cpuMHz: { min: 345.6, max: 350.6 },
    gpuMHz: 114.75,
    board: 'quill',
  });
  const nothing = { powerMode: null, governors: [], cpuMHz: null, gpuMHz: null, board: null };
  t.same(await platformFacts(t.testdir()), nothing, 'what nobody tells is null');
});
