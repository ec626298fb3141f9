/** Immediate retries for transfers that failed for a moment: a NACK or a lost arbitration. */
import { recoveryFor } from './register-bus.js';

const TRIES = 3;

/** Runs `transfer` up to three times; `onRetry` counts. What is not worth a retry is thrown at once. */
export function withRetries<T>(transfer: () => T, onRetry: () => void): T {
  for (let tried = 1; ; tried += 1) {
    try {
      return transfer();
    } catch (error) {
      if (tried >= TRIES || recoveryFor(error) !== 'retry') throw error;
      onRetry();
    }
  }
}
