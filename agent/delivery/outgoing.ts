/** A result to send; `seq` is its number in the journal, null where memory is all there is. */
export interface OutgoingResult {
  seq: number | null;
  topic: string;
  payload: string;
}

/** A result in memory, with what has been tried. */
export interface Pending extends OutgoingResult {
  /** The connection on which it was sent last. */
  sentOn: number;
  sentMs: number;
  /** Connections that ended soon after it was sent, alone. */
  strikes: number;
}

export function pending(result: OutgoingResult): Pending {
  return { ...result, sentOn: -1, sentMs: 0, strikes: 0 };
}

/**
 * A broker that hangs up so soon after a result, so often in a row, does not take it. MQTT 3.1.1 has no other way to
 * say that a message is too large.
 */
const STRIKE_MS = 2000;
const STRIKES = 5;

/** Counts a connection that ended while `result` alone was under way; true when it is time to leave it. */
export function isRefused(result: Pending, nowMs: number): boolean {
  if (nowMs - result.sentMs < STRIKE_MS) result.strikes += 1;
  return result.strikes >= STRIKES;
}
