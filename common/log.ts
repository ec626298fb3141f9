import { pino, type LevelWithSilent, type Logger, type LogFn } from 'pino';
import { logShape, type LogFormat } from './log-format.js';
import { openLogOutput } from './log-output.js';
import { Repeats } from './log-repeats.js';

export type Log = Logger;
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** From this level of pino on equal lines are summed up; who asks for `debug` wants them all. */
const LEAST_SUMMED = 30;

export interface LogOptions {
  level: LogLevel;
  format: LogFormat;
}

/**
 * The program's log on standard error: JSON lines for machines, readable lines on a terminal (`log-format.ts`). A reader
 * that stands still costs lines, which are counted, never memory or time (`log-output.ts`); equal texts beyond a rate
 * become one line with `repeated`, how many they were (`log-repeats.ts`).
 */
export async function createLog(name: string, { level, format }: LogOptions): Promise<Log> {
  const output = openLogOutput(await logShape(format));
  const repeats = new Repeats();
  process.once('exit', () => repeats.sumUp());
  return pino({ name, level, base: { name }, hooks: { logMethod: summing(repeats) } }, output);
}

/** A log that says nothing, for tests and one-shot commands. */
export function silentLog(): Log {
  return pino({ level: 'silent' });
}

/** Takes another level while the program runs. */
export function setLevel(log: Log, level: LogLevel): void {
  log.level = level satisfies LevelWithSilent;
}

function summing(repeats: Repeats) {
  return function (this: Logger, args: Parameters<LogFn>, method: LogFn, level: number): void {
    const text = args.find((argument) => typeof argument === 'string');
    const write = (): void => method.apply(this, args);
    if (level < LEAST_SUMMED || text === undefined) {
      write();
      return;
    }
    const fields: unknown = args[0];
    const summary = { ...(typeof fields === 'object' ? fields : {}) };
    const writeSum = (repeated: number): void =>
      method.apply(this, [{ ...summary, repeated }, text] as unknown as Parameters<LogFn>);
    repeats.take(`${level} ${text}`, write, writeSum);
  };
}
