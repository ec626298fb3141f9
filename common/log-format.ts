/** From pino's JSON lines to what stands in the log: for machines, for people, for the journal of systemd. */
import { PRIORITY, withPriority, type Priority } from './journald.js';

export const LOG_FORMATS = ['auto', 'json', 'pretty'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

type Shape = (line: string) => string;

/** By pino's levels, from each on. */
const PRIORITIES: readonly (readonly [level: number, priority: Priority])[] = [
  [60, PRIORITY.critical],
  [50, PRIORITY.error],
  [40, PRIORITY.warning],
  [30, PRIORITY.info],
];

/** How lines are written to standard error; `auto` is for people on a terminal and JSON elsewhere. */
export async function logShape(format: LogFormat): Promise<Shape> {
  const readable = await readableShape(format);
  return (line) => withPriority(readable(line), priorityOf(line));
}

/** Loaded only where a person reads: a service needs none of it. */
async function readableShape(format: LogFormat): Promise<Shape> {
  const isTerminal = process.stderr.isTTY === true;
  if (format === 'json' || (format === 'auto' && !isTerminal)) return (line) => line;
  const { prettyFactory } = await import('pino-pretty');
  const pretty = prettyFactory({
    colorize: isTerminal && (process.env['NO_COLOR'] ?? '') === '',
    ignore: 'pid,hostname,name',
    levelFirst: true,
    singleLine: true,
    translateTime: 'SYS:HH:MM:ss.l', // local time
  });
  return (line) => pretty(line) ?? line;
}

function priorityOf(line: string): Priority {
  const level = Number(/^\{"level":(\d+)/.exec(line)?.[1]);
  return PRIORITIES.find(([least]) => level >= least)?.[1] ?? PRIORITY.debug;
}
