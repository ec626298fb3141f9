/** Power mode and clocks: what a Jetson's figures depend on, read where the kernel and nvpmodel tell it. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { PlatformFacts } from './store/facts.js';

const NVPMODEL_MS = 5000;
const GPU = /gp10b|gv11b|ga10b|\.gpu$/;

/** Reads what there is; what is missing stays null. */
export async function platformFacts(root = '/'): Promise<PlatformFacts> {
  const cpus = cpuFolders(join(root, 'sys/devices/system/cpu'));
  const numbers = (file: string): number[] =>
    cpus.map((dir) => Number(read(join(dir, file)))).filter((n) => n > 0);
  const cpuMHz = numbers('scaling_cur_freq').map((kHz) => kHz / 1000);
  const governors = cpus.flatMap((dir) => read(join(dir, 'scaling_governor')) ?? []);
  return {
    powerMode: root === '/' ? await nvpmodel() : null,
    governors: [...new Set(governors)],
    cpuMHz: cpuMHz.length === 0 ? null : { min: Math.min(...cpuMHz), max: Math.max(...cpuMHz) },
    gpuMHz: gpuMHz(join(root, 'sys/class/devfreq')),
    board: read(join(root, 'proc/device-tree/model'))?.replaceAll('\u0000', '') ?? null,
  };
}

function cpuFolders(dir: string): string[] {
  return names(dir)
    .filter((name) => /^cpu\d+$/.test(name))
    .map((name) => join(dir, name, 'cpufreq'));
}

function gpuMHz(dir: string): number | null {
  const gpu = names(dir).find((name) => GPU.test(name));
  const hz = Number(gpu === undefined ? 0 : read(join(dir, gpu, 'cur_freq')));
  return hz > 0 ? hz / 1e6 : null;
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

function names(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return null;
  }
}
