import type { Log } from './log.js';

/** Past this the program ends whatever still runs. */
const HARD_STOP_MS = 6000;

/** On SIGUSR1 Node.js would open its inspector, a port through which anybody on the machine runs code in the program. */
export function closeInspector(): void {
  process.on('SIGUSR1', () => undefined);
}

/**
 * Resolves at the first SIGTERM or SIGINT. A second signal, or a stop that takes too long, ends the process with
 * exit code 130 (SIGINT), 143 (SIGTERM) or 1. SIGHUP means that the terminal is gone, which is a stop as well, unless
 * `onHangUp` takes it for a service's order to reload.
 */
export function stopSignal(log: Log, onHangUp: (() => void) | null = null): Promise<NodeJS.Signals> {
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
    process.on('SIGHUP', () => {
      if (onHangUp !== null && !hasTerminal()) onHangUp();
      else if (!asked) onSignal('SIGHUP');
    });
  });
}

/** Whether a person started the program in a terminal; a service has none. */
function hasTerminal(): boolean {
  return process.stdin.isTTY === true || process.stderr.isTTY === true;
}
