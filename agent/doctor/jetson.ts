/** Probes of a Jetson: power mode, clocks, and the right to use the GPU. They skip on any other machine. */
import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';
import { fail, pass, single, skip, warn, type Probe, type Verdict } from '../../common/doctor/checks.js';
import { userName } from '../../common/host/user.js';
import { readMachine, type ClockRange, type MachineFacts } from '../../common/host/machine.js';

/** Device files that CUDA opens on a TX2; which of them is checked with strace at best, so only these two count. */
const GPU_FILES = ['nvmap', 'nvhost-gpu'];
const NO_JETSON = 'this machine has no Jetson GPU';

export function jetsonProbes(sysRoot: string, devRoot: string): Probe[] {
  const facts = (): MachineFacts => readMachine(sysRoot);
  return [
    single('power-mode', 'power mode', () => modeVerdict(facts())),
    single('clocks', 'clocks', () => clocksVerdict(facts())),
    single('gpu-devices', 'GPU devices', () =>
      facts().gpu === null ? skip(NO_JETSON) : devicesVerdict(devRoot),
    ),
  ];
}

function modeVerdict({ gpu, powerMode }: MachineFacts): Verdict {
  if (gpu === null) return skip(NO_JETSON);
  if (powerMode === null)
    return warn(
      'CPUs and clocks are those of no mode of a TX2',
      '`sudo nvpmodel -m 0` and, if that fails, restart',
    );
  return pass(powerMode);
}

/** Clocks that float make two measurements of one thing differ. */
function clocksVerdict({ gpu, cpuClocks }: MachineFacts): Verdict {
  if (gpu === null) return skip(NO_JETSON);
  const all: [string, ClockRange | null][] = [
    ['GPU', gpu.clock],
    ...Object.entries(cpuClocks).map(([cpu, clock]): [string, ClockRange] => [`CPU ${cpu}`, clock]),
  ];
  const known = all.filter((entry): entry is [string, ClockRange] => entry[1] !== null);
  if (known.length === 0) return skip('the kernel says nothing about clocks');
  const said = known.map(([name, { nowHz }]) => `${name} ${(nowHz / 1e6).toFixed(0)} MHz`).join(', ');
  const floating = known.filter(([, { minHz, maxHz }]) => minHz < maxHz).map(([name]) => name);
  if (floating.length === 0) return pass(`locked: ${said}`);
  return warn(
    `not locked (${floating.join(', ')}): ${said}`,
    '`sudo jetson_clocks`, after nvpmodel, at every start',
  );
}

function devicesVerdict(devRoot: string): Verdict {
  const remedy =
    '`sudo usermod -aG video USER` (in the unit: SupplementaryGroups=video), and DeviceAllow of the unit';
  for (const file of GPU_FILES) {
    const path = join(devRoot, file);
    if (!existsSync(path))
      return fail(`there is no ${path}: is this L4T?`, 'install JetPack; in a container map the device');
    try {
      accessSync(path, constants.R_OK | constants.W_OK);
    } catch {
      return fail(`${userName()} may not use ${path}`, remedy);
    }
  }
  return pass(`${userName()} may use ${GPU_FILES.join(' and ')}`);
}
