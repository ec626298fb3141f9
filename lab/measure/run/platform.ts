/** Power mode and clocks: what a Jetson's figures depend on, read where the kernel and nvpmodel tell it. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readMachine } from '../../../common/host/machine.js';
import type { PlatformFacts } from '../store/facts.js';

const NVPMODEL_MS = 5000;
const HZ_PER_MHZ = 1e6;

/** Reads what there is; what is missing stays null. */
export async function platformFacts(root = '/'): Promise<PlatformFacts> {
  const { cpuClocks, gpu, powerMode } = readMachine(join(root, 'sys'));
  const clocks = Object.values(cpuClocks).map(({ nowHz }) => nowHz / HZ_PER_MHZ);
  const governors = Object.keys(cpuClocks).flatMap(
    (cpu) => read(join(root, `sys/devices/system/cpu/cpu${cpu}/cpufreq/scaling_governor`)) ?? [],
  );
  return {
    powerMode: (root === '/' ? await nvpmodel() : null) ?? powerMode,
    governors: [...new Set(governors)],
    cpuMHz: clocks.length === 0 ? null : { min: Math.min(...clocks), max: Math.max(...clocks) },
    gpuMHz: gpu?.clock ? gpu.clock.nowHz / HZ_PER_MHZ : null,
    board: read(join(root, 'proc/device-tree/model'))?.replaceAll('\u0000', '') ?? null,
  };
}

/** `NV Power Mode: MAXN`, as nvpmodel -q says it on its first line. */
async function nvpmodel(): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)('nvpmodel', ['-q'], { timeout: NVPMODEL_MS });
    return /NV Power Mode:\s*(\S+)/.exec(stdout)?.[1] ?? null;
  } catch {
    return null; // no Jetson
  }
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return null;
  }
}
