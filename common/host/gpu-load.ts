/** How busy the GPU is, as the drivers of NVIDIA say it. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The Jetson's integrated GPU under L4T (TX2: gp10b); per mille. */
const JETSON_LOADS = ['devices/gpu.0/load', 'devices/17000000.gp10b/load'];
const TOOL_TIMEOUT_MS = 3000;

/** Share of time in [0, 1] that the Jetson's GPU is busy; null where there is none. */
export function jetsonGpuLoad(sysRoot = '/sys'): number | null {
  for (const path of JETSON_LOADS) {
    try {
      const text = readFileSync(join(sysRoot, path), 'latin1').trim();
      if (/^\d+$/.test(text)) return Math.min(1, Number(text) / 1000);
    } catch {
      // not a Jetson, or under the other name
    }
  }
  return null;
}

/** The same of a graphics card, asked of `nvidia-smi` (some 50 ms); null where there is no such tool or card. */
export function cardGpuLoad(deviceId: number): Promise<number | null> {
  const query = ['--query-gpu=utilization.gpu', '--format=csv,noheader,nounits', '-i', String(deviceId)];
  return new Promise((resolve) => {
    execFile('nvidia-smi', query, { timeout: TOOL_TIMEOUT_MS }, (error, out) => {
      const percent = error ? NaN : Number.parseFloat(out);
      resolve(Number.isFinite(percent) ? percent / 100 : null);
    });
  });
}

/** Whichever of the two this machine has. */
export async function gpuLoad(deviceId: number, sysRoot = '/sys'): Promise<number | null> {
  return jetsonGpuLoad(sysRoot) ?? (await cardGpuLoad(deviceId));
}
