import { l4t32 } from '../drivers/sysfs/sysfs-trees.js';

type Tree = Record<string, string | { to: string }>;

const GPU = 'devices/17000000.gp10b';

/** A Jetson TX2 under L4T 32 in mode MAXP_CORE_ARM (cpu1, cpu2 off), clocks locked, GPU busy 37 % of the time. */
export function tx2(overrides: Tree = {}): Tree {
  const zones = { 'BCPU-therm': 41500, 'GPU-therm': 39000, Tboard_tegra: 36000, 'PMIC-Die': 100000 };
  return {
    ...l4t32(),
    [`${GPU}/load`]: '370',
    [`${GPU}/devfreq/17000000.gp10b/cur_freq`]: '1122000000',
    [`${GPU}/devfreq/17000000.gp10b/min_freq`]: '1122000000',
    [`${GPU}/devfreq/17000000.gp10b/max_freq`]: '1122000000',
    'devices/system/cpu/online': '0,3-5',
    ...Object.assign({}, ...[0, 3, 4, 5].map((cpu) => cpuClock(cpu, 2_000_000, 2_000_000))),
    ...Object.fromEntries(
      Object.entries(zones).flatMap(([type, milli], i) => [
        [`class/thermal/thermal_zone${i}/type`, type],
        [`class/thermal/thermal_zone${i}/temp`, String(milli)],
      ]),
    ),
    ...overrides,
  } as Tree;
}

/** In kHz, as cpufreq has it. */
export function cpuClock(
  cpu: number,
  minKHz: number,
  maxKHz: number,
  nowKHz = maxKHz,
): Record<string, string> {
  const folder = `devices/system/cpu/cpu${cpu}/cpufreq`;
  return {
    [`${folder}/scaling_cur_freq`]: String(nowKHz),
    [`${folder}/scaling_min_freq`]: String(minKHz),
    [`${folder}/scaling_max_freq`]: String(maxKHz),
  };
}
