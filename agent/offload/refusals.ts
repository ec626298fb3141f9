import type { Verdict } from './limiter.js';

/** Codes of servers that have too much to do. */
const BUSY: ReadonlySet<string> = new Set(['QUEUE_FULL', 'BUDGET_TOO_SHORT', 'REQUEST_EXPIRED']);

/**
 * What a refusal says about the server that sent it, by its code. A bad image is the frame's fault and a server that
 * stops makes room for others; of any other code, known or not, one cannot expect that the next frame fares better.
 */
export function verdictOf(code: string): Verdict {
  if (BUSY.has(code)) return 'busy';
  if (code.startsWith('IMAGE_')) return 'answered';
  return code === 'SERVER_STOPPING' ? 'unknown' : 'broken';
}
