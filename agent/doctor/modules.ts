import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeOne } from '../../mux/doctor.js';
import { messageOf } from '../../common/errors.js';
import { loadRemedy } from '../../common/host/load-failure.js';
import { pass, single, type Probe, type Verdict } from '../../common/doctor/checks.js';

/** Loads and uses the native modules that every daemon needs: images and the journal. */
export function modulesProbe(): Probe {
  const look = async (): Promise<Verdict> => {
    const folder = await mkdtemp(join(tmpdir(), 'edgemux-doctor-'));
    try {
      await decodeOne();
      const { Journal } = await import('../../journal/journal.js');
      const journal = new Journal({ dir: folder, sync: 'normal' });
      journal.start();
      journal.stop();
      return pass('images are decoded (sharp) and a journal can be opened (better-sqlite3)');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
  return single('modules', 'native modules', look, {
    timeoutMs: 20_000,
    remedy: (error) =>
      loadRemedy(messageOf(error)) ??
      'install the package again on this machine: `npm rebuild`, with the same Node.js that runs edgemux',
  });
}
