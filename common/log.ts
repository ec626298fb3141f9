import { pino, type Logger } from 'pino';

export type Log = Logger;
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * The program's log on standard error: JSON lines for machines, or readable lines where a person watches
 * (`pretty`; by default when standard error is a terminal).
 */
export function createLog(name: string, options: { level: LogLevel; pretty?: boolean | undefined }): Log {
  const pretty = options.pretty ?? process.stderr.isTTY === true;
  const settings = { name, level: options.level, base: { name } };
  if (!pretty) return pino(settings, pino.destination({ dest: 2, sync: false }));
  return pino({
    ...settings,
    transport: {
      target: 'pino-pretty',
      options: { destination: 2, ignore: 'pid,hostname', translateTime: 'HH:MM:ss.l' },
    },
  });
}

/** A log that says nothing, for tests and one-shot commands. */
export function silentLog(): Log {
  return pino({ level: 'silent' });
}
