/**
 * Loaded into a process under test with `--import 'probe.js?file=PATH'`: writes there, every few seconds, what only the
 * process itself can tell: the delay of its event loop and the size of its heap.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';
import type { ProbeReport } from './samples.js';

const PERIOD_MS = 5000;
/** The histogram counts the time between two ticks of this period, so an idle loop shows the period itself. */
const RESOLUTION_MS = 10;

const file = new URL(import.meta.url).searchParams.get('file');
if (isMainThread && file !== null) watch(file);

function watch(file: string): void {
  const lately = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  const always = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  lately.enable();
  always.enable();
  const delayMs = (ns: number): number => Math.max(0, ns / 1e6 - RESOLUTION_MS);
  const write = (): void => {
    const { heapUsed, external, arrayBuffers } = process.memoryUsage();
    const report: ProbeReport = {
      loopP99Ms: delayMs(always.percentile(99)),
      loopMaxMs: delayMs(always.max),
      latelyP99Ms: delayMs(lately.percentile(99)),
      heapUsedBytes: heapUsed,
      externalBytes: external,
      arrayBuffersBytes: arrayBuffers,
    };
    lately.reset();
    writeFileSync(`${file}.new`, JSON.stringify(report));
    renameSync(`${file}.new`, file);
  };
  setInterval(write, PERIOD_MS).unref();
}
