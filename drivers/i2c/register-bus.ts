/** The bus below a driver: 16-bit registers of chips at 7-bit addresses. The lowest seam, and the one tests fake. */
import { EdgemuxError, isEdgemuxError, type ErrorCode } from '../../common/errors.js';

export interface RegisterBus {
  /** For messages: `i2c-1`, `simulated bus`. */
  readonly name: string;
  readonly simulated: boolean;
  /** Counts reopenings: a driver that sees a new number checks its chip again. */
  readonly generation: number;
  /** Value 0 to 65535 of a register, most significant byte first on the wire. Throws an `EdgemuxError`. */
  read(address: number, register: number): number;
  write(address: number, register: number, value: number): void;
  /** Closes the bus; the next transfer opens it afresh. */
  reopen(): void;
  close(): void;
}

/** What to do about a failed transfer. */
export type Recovery =
  /** Noise on the wire or an absent chip: try again a few times. */
  | 'retry'
  /** The controller or the bus is stuck: close, open, check the chips again. */
  | 'reopen'
  /** Only a person can mend it: try again rarely. */
  | 'configuration';

const RECOVERIES: Partial<Record<ErrorCode, Recovery>> = {
  CHIP_NOT_ANSWERING: 'retry',
  BUS_ARBITRATION_LOST: 'retry',
  BUS_STUCK: 'reopen',
  SENSOR_FAILED: 'reopen',
};

/** The right answer to an error of a sensor; what is unknown is left to a person. */
export function recoveryFor(error: unknown): Recovery {
  return (isEdgemuxError(error) && RECOVERIES[error.code]) || 'configuration';
}

const TRIES = 3;

/** Runs `transfer` up to three times, for what fails for a moment (a NACK, a lost arbitration); `onRetry` counts. What is not worth a retry is thrown at once. */
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

/** Linux errno values of I2C (i2c-tegra, i2c-dev): numbers, since i2c-bus leaves `code` empty for some. */
const ERRNO: Record<number, ErrorCode> = {
  6: 'CHIP_NOT_ANSWERING', // ENXIO
  19: 'CHIP_NOT_ANSWERING', // ENODEV
  121: 'CHIP_NOT_ANSWERING', // EREMOTEIO: NACK on Tegra
  11: 'BUS_ARBITRATION_LOST', // EAGAIN
  5: 'BUS_STUCK', // EIO
  110: 'BUS_STUCK', // ETIMEDOUT
  16: 'BUS_BUSY', // EBUSY
  1: 'BUS_FORBIDDEN', // EPERM
  13: 'BUS_FORBIDDEN', // EACCES
};

const HINTS: Partial<Record<ErrorCode, string>> = {
  CHIP_NOT_ANSWERING: 'no acknowledge; check wiring, supply and the address pins',
  BUS_ARBITRATION_LOST: 'another master won the bus',
  BUS_STUCK: 'the transfer timed out; SDA or SCL may be held low',
  BUS_BUSY:
    'a kernel driver owns the address, or the bus is suspended; use the rail through the kernel (hwmon/iio)',
  BUS_FORBIDDEN: 'no right to use the bus: `sudo usermod -aG i2c $USER`, then log in again',
  BUS_UNAVAILABLE: 'there is no such bus: `edgemux power scan` lists the buses',
  SENSOR_FAILED: 'the transfer failed',
};

/** An error of the system's I2C calls in our words. `what` names bus and address. */
export function translateBusError(error: unknown, what: string): EdgemuxError {
  if (isEdgemuxError(error)) return error;
  const { errno, syscall, message } = error as { errno?: unknown; syscall?: unknown; message?: unknown };
  const number = typeof errno === 'number' ? Math.abs(errno) : 0;
  const mapped = ERRNO[number] ?? 'SENSOR_FAILED';
  const absentBus = syscall === 'open' && mapped !== 'BUS_FORBIDDEN' && mapped !== 'BUS_BUSY';
  const code: ErrorCode = absentBus ? 'BUS_UNAVAILABLE' : mapped;
  return new EdgemuxError(code, `${what}: ${HINTS[code] ?? 'failed'} (${String(message)})`, {
    cause: error,
    details: { errno: number },
  });
}
