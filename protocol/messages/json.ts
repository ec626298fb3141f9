import { z } from 'zod';
import { EdgemuxError, messageOf } from '../../common/errors.js';

/** Largest JSON message read where nothing narrower is known, in bytes. */
export const MAX_MESSAGE_BYTES = 256 * 1024;

export const finite = z.number();
export const count = z.int().min(0);
/** A duration or a size that cannot be negative. */
export const amount = z.number().min(0);
export const text = z.string().max(256);

/** The UTF-8 bytes of a message, ready to publish. */
export function encodeMessage(message: object): Uint8Array {
  return Buffer.from(JSON.stringify(message), 'utf8');
}

/** An error that says what is wrong with a message of kind `what`. */
export function invalidMessage(
  what: string,
  why: string,
  details: Record<string, unknown> = {},
): EdgemuxError {
  return new EdgemuxError('MESSAGE_INVALID', `${what} is not valid: ${why}`, {
    details: { what, ...details },
  });
}

/**
 * Reads a JSON message of kind `what`.
 * @throws MESSAGE_INVALID when it is larger than `maxBytes`, not JSON, or not what `schema` describes
 */
export function readMessage<T>(
  what: string,
  schema: z.ZodType<T>,
  payload: Uint8Array,
  maxBytes = MAX_MESSAGE_BYTES,
): T {
  return check(what, schema, readJson(what, payload, maxBytes));
}

/** The JSON value of a message of kind `what`, not yet checked. @throws MESSAGE_INVALID */
export function readJson(what: string, payload: Uint8Array, maxBytes = MAX_MESSAGE_BYTES): unknown {
  if (payload.byteLength > maxBytes) {
    throw invalidMessage(what, `it has ${payload.byteLength} bytes, more than ${maxBytes}`);
  }
  try {
    return JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('utf8'));
  } catch (error) {
    throw invalidMessage(what, `it is not JSON (${messageOf(error).slice(0, 120)})`);
  }
}

/** True where a parsed message is one of those that carry an `error` in place of their content. */
export function carriesError(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'error');
}

/** As `readMessage`, for what is parsed already. */
export function check<T>(what: string, schema: z.ZodType<T>, value: unknown): T {
  const outcome = schema.safeParse(value);
  if (outcome.success) return outcome.data;
  throw invalidMessage(what, firstIssue(outcome.error));
}

function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return 'it does not match its schema';
  const path = issue.path.map(String).join('.').slice(0, 120);
  return path === '' ? issue.message.slice(0, 200) : `${path}: ${issue.message.slice(0, 200)}`;
}
