/** The journal of systemd as the reader of standard error. */
import { fstatSync } from 'node:fs';

/** Priorities of syslog (RFC 5424, 6.2.1), as far as they are used here. */
export const PRIORITY = { critical: 2, error: 3, warning: 4, info: 6, debug: 7 } as const;
export type Priority = (typeof PRIORITY)[keyof typeof PRIORITY];

/**
 * Text as it is written to standard error: where the journal reads it, each line says its priority first (sd-daemon(3)),
 * which the journal takes off again.
 */
export function withPriority(text: string, priority: Priority): string {
  return isJournal() ? text.replaceAll(/^(?=.)/gm, `<${priority}>`) : text;
}

/** `JOURNAL_STREAM` names the socket that the journal gave to the service (systemd.exec(5)). */
function isJournal(): boolean {
  const named = process.env['JOURNAL_STREAM'];
  if (named === undefined) return false;
  try {
    const { dev, ino } = fstatSync(2, { bigint: true });
    return named === `${dev}:${ino}`;
  } catch {
    return false; // standard error is closed
  }
}
