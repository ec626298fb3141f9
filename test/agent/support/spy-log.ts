import { silentLog, type Log } from '../../../common/log.js';

/** A log that keeps the texts of what it was told, by level. */
export function spyLog(): Log & { said: { debug: string[]; info: string[]; warn: string[] } } {
  const said = { debug: [] as string[], info: [] as string[], warn: [] as string[] };
  const keep =
    (level: keyof typeof said) =>
    (what: object | string, message?: string): void => {
      said[level].push(message ?? String(what));
    };
  return Object.assign(silentLog(), {
    said,
    debug: keep('debug'),
    info: keep('info'),
    warn: keep('warn'),
  });
}
