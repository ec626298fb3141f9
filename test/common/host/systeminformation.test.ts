import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { hostNow, HostWatch } from '../../../common/host/systeminformation.js';
import { powerMode, readMachine, type MachineFacts } from '../../../common/host/machine.js';
import { noticeThrottling, type ClocksSeen } from '../../../common/host/throttling.js';
import { silentLog, type Log } from '../../../common/log.js';
import { sysfsTree } from '../../drivers/sysfs/sysfs-trees.js';
import { cpuClock, tx2 } from '../../support/tx2-tree.js';

t.test('a TX2 is read as it stands in /sys, without the zone that no sensor measures', async (t) => {
  const facts = readMachine(sysfsTree(t, tx2()));
  const clock = { nowHz: 1.122e9, minHz: 1.122e9, maxHz: 1.122e9 };
  t.same(facts.gpu, { load: 0.37, clock });
  t.same(Object.keys(facts.cpuClocks), ['0', '3', '4', '5']);
  t.equal(facts.cpuClocks[3]?.maxHz, 2e9);
  t.same(facts.temperaturesC, { 'BCPU-therm': 41.5, 'GPU-therm': 39, Tboard_tegra: 36 });
  t.equal(facts.powerMode, 'MAXP_CORE_ARM');
});

t.test('the five power modes are told by CPUs and the highest clocks; others are none', async (t) => {
  const mode = (cpus: number[], cpuMHz: number, gpuMHz: number): string | null => {
    const clock = { nowHz: 0, minHz: 0, maxHz: cpuMHz * 1e6 };
    return powerMode(Object.fromEntries(cpus.map((cpu) => [cpu, clock])), gpuMHz * 1e6);
  };
  const all = [0, 1, 2, 3, 4, 5];
  t.equal(mode(all, 2035, 1300.5), 'MAXN');
  t.equal(mode(all, 1420, 1122), 'MAXP_CORE_ALL');
  t.equal(mode([0, 3, 4, 5], 1190, 854.25), 'MAXQ');
  t.equal(mode([0, 3, 4, 5], 2035, 1122), 'MAXP_CORE_ARM');
  t.equal(mode([0, 1], 2035, 1122), 'MAXP_CORE_DENVER');
  t.equal(mode(all, 2035, 1122), null, 'MAXN with a GPU that is throttled is not MAXP_CORE_ALL');
  t.equal(mode([0], 2035, 1300.5), null);
});

t.test(
  'a machine that is no Jetson has no GPU and no mode, and what it does not say is absent',
  async (t) => {
    const facts = readMachine(sysfsTree(t, {}));
    t.same(facts, { gpu: null, cpuClocks: {}, temperaturesC: {}, powerMode: null });
    const now = await hostNow(facts);
    t.ok(now.cpuLoad >= 0 && now.cpuLoad <= 1);
    t.ok(now.memoryFreeBytes > 0);
    for (const key of ['gpuLoad', 'gpuMHz', 'temperaturesC', 'powerMode', 'throttled'])
      t.notOk(key in now, key);
  },
);

function machine(gpuLoad: number, nowHz: number, maxHz: number, mode: string | null = 'MAXN'): MachineFacts {
  const gpu = { load: gpuLoad, clock: { nowHz, minHz: 114_750_000, maxHz } };
  return { gpu, cpuClocks: {}, temperaturesC: {}, powerMode: mode };
}

t.test('a limit that falls within one power mode is throttling, and ends when it rises again', async (t) => {
  let seen: ClocksSeen | null = null;
  const look = (facts: MachineFacts): string[] => {
    const found = noticeThrottling(facts, seen);
    seen = found.seen;
    return found.causes;
  };
  t.same(look(machine(0.5, 1.3e9, 1.3e9)), []);
  t.same(look(machine(0.5, 0.9e9, 0.9e9, null)), ['GPU: limited to 900 MHz of 1300 MHz']);
  t.same(look(machine(0.5, 1.3e9, 1.3e9)), []);
  t.same(look(machine(0.5, 0.85e9, 0.85e9, 'MAXQ')), [], 'another power mode has another limit');
});

t.test('a busy GPU below its limit is held back only when it stays so; an idle one is not', async (t) => {
  let seen: ClocksSeen | null = null;
  const look = (load: number): string[] => {
    const found = noticeThrottling(machine(load, 0.7e9, 1.3e9), seen);
    seen = found.seen;
    return found.causes;
  };
  for (let i = 0; i < 5; i += 1) t.same(look(0.2), []);
  t.same([look(0.95), look(0.99)], [[], []]);
  t.match(look(1), [/GPU: busy/]);
  t.same(look(0.4), []);
});

t.test('a locked clock below its floor is throttling', async (t) => {
  const facts = readMachine(sysfsTree(t, tx2(cpuClock(4, 2_000_000, 2_000_000, 1_200_000))));
  t.same(noticeThrottling(facts, null).causes, ['CPU 4: at 1200 MHz, below its floor of 2000 MHz']);
});

t.test(
  'throttling is a warning while it lasts, and logged once when it begins and when it ends',
  async (t) => {
    const sysRoot = sysfsTree(t, tx2());
    const file = join(sysRoot, 'devices/17000000.gp10b/devfreq/17000000.gp10b/max_freq');
    const said: string[] = [];
    const log = silentLog();
    const note = (_fields: unknown, text?: string): void => void said.push(text ?? String(_fields));
    const watch = new HostWatch(
      { log: { ...log, warn: note, info: note } as unknown as Log, sysRoot },
      3_600_000,
    );
    t.teardown(() => watch.stop());
    await watch.start();
    t.match(watch.facts, { gpuLoad: 0.37, gpuMHz: 1122, powerMode: 'MAXP_CORE_ARM', node: process.version });
    t.same(watch.health(), []);
    writeFileSync(file, '800000000\n');
    for (let i = 0; i < 2; i += 1) await watch.look();
    t.match(watch.health(), [/throttles itself \(GPU: limited to 800 MHz of 1122 MHz\)/]);
    t.match(watch.facts, { throttled: [/GPU/] });
    writeFileSync(file, '1122000000\n');
    await watch.look();
    t.same(watch.health(), []);
    t.same(said, ['the machine throttles itself', 'the machine throttles itself no more']);
  },
);
