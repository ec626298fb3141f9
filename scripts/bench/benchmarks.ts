/** Every benchmark there is: `main.ts` lists, checks and runs these. */
import type { Benchmark } from './benchmark.js';
import { flash } from './flash/flash.js';
import { decode } from './path/decode.js';
import { page } from './path/page.js';
import { path, pathSmall } from './path/path.js';
import { POWER_BENCHMARKS } from './power.js';
import { serverExact } from './server/exact.js';
import { serverFleet } from './server/fleet.js';
import { serverGone } from './server/gone.js';
import { serverOverload } from './server/overload.js';
import { server } from './server/server.js';

export const BENCHMARKS: readonly Benchmark[] = [
  path,
  pathSmall,
  page,
  decode,
  flash,
  ...POWER_BENCHMARKS,
  server,
  serverExact,
  serverOverload,
  serverFleet,
  serverGone,
];
