/**
 * Loaded into the journal's thread with `--import 'hanging-writes.js?while=FILE'`: no write comes back while FILE is there, and no
 * folder is made. */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { isMainThread } from 'node:worker_threads';

const LOOK_MS = 10;
const { existsSync, mkdirSync, writeSync } = fs;
const { searchParams } = new URL(import.meta.url);
const file = searchParams.get('while') ?? '';
const never = new Int32Array(new SharedArrayBuffer(4));

function hang(): void {
  while (existsSync(file)) Atomics.wait(never, 0, 0, LOOK_MS);
}

if (!isMainThread) {
  fs.writeSync = ((...args: Parameters<typeof writeSync>) => {
    hang();
    return writeSync(...args);
  }) as typeof fs.writeSync;
  fs.mkdirSync = ((...args: Parameters<typeof mkdirSync>) => {
    hang();
    return mkdirSync(...args);
  }) as typeof fs.mkdirSync;
  syncBuiltinESMExports();
}
