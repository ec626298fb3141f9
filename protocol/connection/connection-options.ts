import type { Clock } from '../../common/clock.js';
import type { EdgemuxError } from '../../common/errors.js';
import type { Log } from '../../common/log.js';
import type { ConnectorOptions } from './connector.js';
import type { PresenceOptions } from './presence.js';
import type { Timers } from './timers.js';

/** `offline` is started and not connected. */
export type ConnectionState = 'stopped' | 'offline' | 'online';
/** Told the new state, and why the connection is down where it is. */
export type StateListener = (state: ConnectionState, cause: EdgemuxError | null) => void;

export interface ConnectionDeps {
  log: Log;
  clock: Clock;
  timers?: Timers;
  /** Jitter of the pauses between attempts, within [0, 1). */
  random?: () => number;
}

export interface ConnectionOptions extends ConnectorOptions, PresenceOptions {
  /** How long stop() waits for acknowledgements and the goodbye, in milliseconds; 1,000 unless told. */
  stopTimeoutMs?: number | undefined;
}

export const DEFAULT_STOP_TIMEOUT_MS = 1000;
