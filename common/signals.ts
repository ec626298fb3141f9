import type { Log } from './log.js';

/** Past this the program ends whatever still runs. */
const HARD_STOP_MS = 6000;

/**
 * Resolves at the first SIGTERM or SIGINT. A second signal, or a stop that takes too long, ends the process with
 * exit code 130 (SIGINT), 143 (SIGTERM) or 1.
 */
export function stopSignal(log: Log): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (asked) process.exit(signal === 'SIGINT' ? 130 : 143);
      asked = true;
      log.info({ signal }, 'stopping (once more to end at once)');
      setTimeout(() => process.exit(1), HARD_STOP_MS).unref();
      resolve(signal);
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}
