/** What has happened to the journal since its thread was started. */
export interface JournalCounts {
  journalErrors: number;
  /** Records of the append file that the last death left torn. */
  tornRecords: number;
  /** Damaged journals that were set aside. */
  journalsSetAside: number;
  /** Times that files were deleted, moved, replaced or cut. */
  journalsLost: number;
  /** Delivered results whose record went with them. */
  recordsLost: number;
  /** Runs of this journal that did not stop. */
  uncleanRestarts: number;
  /** Undelivered results that were given up, by cause. */
  givenUp: { 'too-old': number; 'journal-full': number; 'journal-lost': number };
}

export function noCounts(): JournalCounts {
  return {
    journalErrors: 0,
    tornRecords: 0,
    journalsSetAside: 0,
    journalsLost: 0,
    recordsLost: 0,
    uncleanRestarts: 0,
    givenUp: { 'too-old': 0, 'journal-full': 0, 'journal-lost': 0 },
  };
}

/** Of two lives of the thread; unclean restarts are counted in the journal itself. */
export function sumOf(before: JournalCounts, now = noCounts()): JournalCounts {
  const of = (name: Exclude<keyof JournalCounts, 'givenUp'>): number => before[name] + now[name];
  const givenUp = (cause: keyof JournalCounts['givenUp']): number =>
    before.givenUp[cause] + now.givenUp[cause];
  return {
    journalErrors: of('journalErrors'),
    tornRecords: of('tornRecords'),
    journalsSetAside: of('journalsSetAside'),
    journalsLost: of('journalsLost'),
    recordsLost: of('recordsLost'),
    uncleanRestarts: Math.max(before.uncleanRestarts, now.uncleanRestarts),
    givenUp: {
      'too-old': givenUp('too-old'),
      'journal-full': givenUp('journal-full'),
      'journal-lost': givenUp('journal-lost'),
    },
  };
}
