import { constants, fstatSync, openSync, writeSync } from 'node:fs';

/** Lines that a slow reader has not taken yet, in bytes; beyond it they are lost and counted. */
const MOST_WAITING_BYTES = 256 * 1024;
/** What is left at the end waits so long for its reader. */
const LAST_WORDS_MS = 500;
/** A terminal that was stopped (Ctrl-S) is asked again after so long. */
const RETRY_MS = 100;

/** Where the log goes. It never blocks and never throws. */
export interface LogOutput {
  write(line: string): void;
}

/** Takes lines as far as it can. */
interface Sink {
  /** Bytes that wait for the reader. */
  waiting(): number;
  write(line: string): void;
}

/**
 * Standard error, whatever it is.
 * @param shaped what is written in place of a JSON line
 */
export function openLogOutput(shaped: (line: string) => string = (line) => line): LogOutput {
  const sink = process.stderr.isTTY === true ? terminalSink() : streamSink();
  let lost = 0;
  return {
    write: (line) => {
      if (sink.waiting() > MOST_WAITING_BYTES) {
        lost += 1;
        return;
      }
      if (lost > 0) sink.write(shaped(lossLine(lost)));
      lost = 0;
      sink.write(shaped(line));
    },
  };
}

/**
 * After a program's last step: a reader of the log that stands still does not keep it. Ends the process with its exit
 * code where lines still wait after half a second.
 */
export function leaveLog(): void {
  setTimeout(() => process.exit(), LAST_WORDS_MS).unref();
}

function lossLine(lost: number): string {
  const at = { level: 40, time: Date.now(), lost };
  return `${JSON.stringify({ ...at, msg: 'log lines were lost: their reader does not take them' })}\n`;
}

/** A pipe or a socket, which Node.js writes without blocking, or a file. */
function streamSink(): Sink {
  const { stderr } = process;
  stderr.on('error', () => undefined); // who does not read misses the log
  return {
    waiting: () => stderr.writableLength,
    write: (line) => {
      try {
        stderr.write(line);
      } catch {
        // a full disk: the program is worth more than its log
      }
    },
  };
}

/** A terminal, which Node.js would wait for: opened once more, so that it does not. */
function terminalSink(): Sink {
  const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
  let fd: number;
  try {
    fd = openSync('/proc/self/fd/2', O_WRONLY | O_NONBLOCK | O_NOCTTY);
    if (!fstatSync(fd).isCharacterDevice()) return streamSink();
  } catch {
    return streamSink();
  }
  let left = Buffer.alloc(0);
  let retry: NodeJS.Timeout | null = null;
  const flush = (): void => {
    retry = null;
    try {
      while (left.length > 0) left = left.subarray(writeSync(fd, left));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') left = Buffer.alloc(0);
      else retry = setTimeout(flush, RETRY_MS).unref();
    }
  };
  return {
    waiting: () => left.length,
    write: (line) => {
      left = Buffer.concat([left, Buffer.from(line)]);
      if (retry === null) flush();
    },
  };
}
