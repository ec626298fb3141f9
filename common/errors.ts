/**
 * Every failure edgemux can name, in one place.
 *
 * A code is stable: logs, tests, MQTT answers and the operations guide refer to it. The text says what was
 * wrong with which key or value, and what to do about it.
 */
export const ERROR_CODES = {
  // configuration and command line
  CONFIG_UNREADABLE: 'a configuration file cannot be read or parsed',
  CONFIG_UNKNOWN_KEY: 'a configuration key does not exist',
  CONFIG_INVALID: 'a configuration value is outside what its key allows',
  // zoo
  ZOO_NOT_FOUND: 'the zoo folder or its manifest is missing',
  ZOO_INVALID: 'the manifest does not match its schema',
  ZOO_CHANGED: 'a file of the zoo differs from the sha256 in its manifest',
  // images
  IMAGE_EMPTY: 'the payload is empty',
  IMAGE_TOO_LARGE: 'the payload has more bytes than allowed',
  IMAGE_NOT_AN_IMAGE: 'the payload is not a JPEG, PNG or WebP image',
  IMAGE_TRUNCATED: 'the image ends before its end marker',
  IMAGE_TOO_MANY_PIXELS: 'the image has more pixels than allowed',
  IMAGE_TOO_COSTLY: 'the image would have to be decoded whole, and is too large for that',
  IMAGE_UNDECODABLE: 'the image cannot be decoded',
  IMAGE_DAMAGED: 'a part of the image is missing or broken',
  // inference
  BINDING_UNUSABLE: 'the ONNX Runtime binding cannot be loaded',
  PROVIDER_UNAVAILABLE: 'a required execution provider does not work on this machine',
  MODEL_UNUSABLE: 'a model file cannot be loaded or has unexpected inputs or outputs',
  INFERENCE_FAILED: 'a model run failed',
  INFERENCE_STOPPED: 'the inference worker stopped before it answered',
  // MQTT
  BROKER_UNREACHABLE: 'the broker cannot be reached',
  TOPIC_INVALID: 'a name or pattern cannot stand in a topic',
  MESSAGE_INVALID: 'a message does not match its schema',
  // offload requests, as a server answers them
  REQUEST_REFUSED: 'the request asks for something the server does not grant',
  QUEUE_FULL: 'the server has as many requests waiting as it admits',
  BUDGET_TOO_SHORT: 'the requests before this one leave it no time within its budget',
  SERVER_STOPPING: 'the server is stopping and takes no more requests',
  // power sensors
  BUS_UNAVAILABLE: 'there is no such I2C bus, or i2c-bus is not installed',
  BUS_FORBIDDEN: 'the right to open the I2C bus is missing',
  BUS_BUSY: 'a kernel driver owns the address, or the bus is suspended',
  BUS_STUCK: 'a transfer on the I2C bus timed out',
  BUS_ARBITRATION_LOST: 'another master won the I2C bus',
  CHIP_NOT_ANSWERING: 'no chip acknowledged its I2C address',
  CHIP_WRONG: 'the chip at an address is not the one that was configured',
  RAIL_CONFIG_INVALID: 'a power rail is configured with impossible values',
  RAIL_RATE_IMPOSSIBLE: 'the wanted sampling rate exceeds what bus or chip can do',
  SENSOR_FAILED: 'a power sensor failed',
  // results
  PROGRAM_ENDED: 'a program that the demo started ended by itself',
  CAMPAIGN_INVALID: 'a measurement campaign cannot be read, or is there already',
  JOURNAL_FAILED: 'the journal cannot be opened or written',
  DATA_DIR_IN_USE: 'another daemon uses the data folder',
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** The one error class: a stable `code`, a message for people, and what it was about in `details`. */
export class EdgemuxError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; details?: Record<string, unknown> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'EdgemuxError';
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** The text of anything thrown, for a log line or an answer. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** True where `error` is ours and carries one of `codes` (any of ours when none is given). */
export function isEdgemuxError(error: unknown, ...codes: ErrorCode[]): error is EdgemuxError {
  return error instanceof EdgemuxError && (codes.length === 0 || codes.includes(error.code));
}
