/** A journal as the daemon leaves it, written by its own journal; the results are made up. */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { JOURNAL_FILE } from '../../../../journal/file.js';
import { Journal } from '../../../../journal/journal.js';
import type { Result } from '../../../../protocol/messages.js';

export const FIRST_MS = Date.parse('2026-11-22T06:00:00Z');
const STEP_MS = 30_000;

/** A frame every 30 s: of ten, six by the mux, two by the local model, one by the server, one a fallback. */
export function resultAt(i: number, other: Partial<Result> = {}): Result {
  const kind = i % 10;
  const [route, reason] =
    kind < 6
      ? (['mux', 'easy'] as const)
      : kind < 8
        ? (['local', 'confident'] as const)
        : kind < 9
          ? (['cloud', 'unsure'] as const)
          : (['fallback', 'timeout'] as const);
  const cloud = route === 'cloud';
  const local = route === 'mux' ? 0 : 2;
  const total = 1 + 0.5 + local + (cloud ? 9 : 0) + (route === 'fallback' ? 100 : 0);
  const gross = total / 1000;
  return {
    device: 'jetson-7',
    camera: i % 2 === 0 ? 'door' : 'gate',
    frameId: `f${i}`,
    zoo: 'fashion-mnist',
    capturedAt: new Date(FIRST_MS + i * STEP_MS).toISOString(),
    imageSha256: 'a'.repeat(64),
    route,
    reason,
    label: `class <${i % 3}>`,
    classIndex: i % 3,
    confidence: 0.9,
    top: [],
    muxScore: kind / 10,
    threshold: 0.5,
    models: [],
    provider: 'cpu',
    latencyMs: {
      total,
      queue: 0,
      decode: 1,
      mux: 0.5,
      local,
      encode: 0,
      network: cloud ? 5 : 0,
      cloud: cloud ? 4 : 0,
    },
    energyJ: {
      gross,
      net: gross / 2,
      simulated: true,
      stages: { decode: gross / 4, local: (3 * gross) / 4 },
      rails: { sim_module: { gross, net: gross / 2 } },
    },
    bytesUp: cloud ? 700 : 0,
    bytesDown: cloud ? 250 : 0,
    ...(cloud ? { server: 'gpu-1' } : {}),
    ...other,
  };
}

export function writeJournal(dir: string, count: number, of: (i: number) => Result = resultAt): void {
  const journal = new Journal({ dir, sync: 'normal' });
  journal.start();
  for (let i = 0; i < count; i += 1) {
    const payload = JSON.stringify(of(i));
    journal.append({ frameId: `f${i}`, createdAtMs: FIRST_MS + i * STEP_MS, topic: 't', payload });
  }
  journal.stop();
}

/** Puts rows into a journal that are no results. */
export function spoil(dir: string, { damaged }: { damaged: readonly string[] }): void {
  const db = new Database(join(dir, JOURNAL_FILE));
  const insert = db.prepare(
    'INSERT INTO results (frameId, createdAtMs, ranMs, topic, payload) VALUES (?, ?, 0, ?, ?)',
  );
  for (const [i, payload] of damaged.entries()) insert.run(`damaged-${i}`, FIRST_MS, 't', payload);
  db.close();
}
