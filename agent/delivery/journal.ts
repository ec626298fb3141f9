import type { Clock } from '../../common/clock.js';
import type { Log } from '../../common/log.js';
import { JournalClient } from '../../journal/client.js';
import type { Counters } from '../counters.js';

const HOUR_MS = 3_600_000;
/** No journal in memory grows beyond this. */
const MOST_MEMORY_BYTES = 64 * 1024 * 1024;

export interface JournalConfig {
  mode: 'off' | 'memory' | 'disk';
  sync: 'normal' | 'full';
  commitMs: number;
  maxAgeH: number;
  maxBytes: number;
}

/** The journal as configured, in `dir`, with its counts among the device's; nothing is opened yet. */
export function createJournal(
  { log, clock, counters }: { log: Log; clock: Clock; counters: Counters },
  dir: string,
  { mode, sync, commitMs, maxAgeH, maxBytes }: JournalConfig,
): JournalClient {
  return new JournalClient(
    {
      log,
      clock,
      onCounts: ({ givenUp, ...counts }) => {
        Object.assign(counters, counts);
        for (const [cause, results] of Object.entries(givenUp))
          if (results > 0) counters.givenUp[cause] = results;
      },
    },
    mode === 'off'
      ? null
      : {
          dir,
          mode,
          sync,
          commitMs,
          maxAgeMs: maxAgeH * HOUR_MS,
          maxBytes: mode === 'memory' ? Math.min(maxBytes, MOST_MEMORY_BYTES) : maxBytes,
        },
  );
}
