/**
 * The image inside what cameras and flows send instead of its bytes: base64 text (quoted, a `data:` URL), Node-RED's
 * `{"type":"Buffer","data":[…]}`, and JSON with one of these in a member.
 *
 * Synchronous and cheap whatever the bytes are: JSON is not parsed but walked, at most MOST_STEPS tokens, by its bytes.
 */
import { MOST_STEPS, notAnImage } from './formats/format.js';
import { BASE64_STARTS } from './formats/registry.js';

export interface Wrapping {
  /** Limit of the image in bytes: a text of more is left alone, to be refused for its size. */
  maxBytes?: number;
  /** Names of members, outermost first, separated by dots: where in a JSON object the image is. */
  path?: string | null;
}

/** `data:image/jpeg;charset=utf-8;base64,` in any case; RFC 2397. */
const DATA_URL = /^data:[^,]{0,200};\s*base64\s*,\s*/i;
/** Characters of base64 for three bytes, with line breaks. */
const BASE64_GROWTH = 1.4;
/** Characters of a number of three digits, with comma and space. */
const LIST_GROWTH = 5;
/** Room for what stands around the text. */
const FRAME = 1024;

/**
 * The image inside a text; any other payload as it came. What begins like an image and goes on otherwise comes out as
 * something that `checkImage` refuses.
 *
 * @throws EdgemuxError IMAGE_NOT_AN_IMAGE for a JSON object without the member that `path` names
 */
export function unwrapImage(
  payload: Uint8Array,
  { maxBytes = Infinity, path = null }: Wrapping = {},
): Uint8Array {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  const start = afterSpace(bytes, 0);
  if (bytes[start] !== OPEN_BRACE) return fromText(bytes.subarray(start), maxBytes) ?? payload;
  const names = path === null ? [] : path.split('.');
  const found = names.length === 0 ? bytes.subarray(start) : memberOf(bytes, start, names);
  const image = found && (fromList(found, maxBytes) ?? fromText(found, maxBytes));
  if (image) return image;
  // a Node-RED buffer on a topic whose other messages have the member
  const bare = names.length === 0 ? null : fromList(bytes.subarray(start), maxBytes);
  if (bare) return bare;
  if (path === null)
    throw notAnImage('a JSON object; on a device cameras.payloadPath names the member that holds the image');
  throw notAnImage(`a JSON object without an image in '${path}' (cameras.payloadPath)`);
}

/** The image in base64 text, quoted or not; null where it is none. */
function fromText(bytes: Buffer, maxBytes: number): Uint8Array | null {
  if (bytes.length > maxBytes * BASE64_GROWTH + FRAME) return null;
  const quoted = bytes[0] === QUOTE;
  const head = bytes.toString('latin1', quoted ? 1 : 0, 512).trimStart();
  if (!beginsImage(head.replaceAll('\\/', '/').replace(DATA_URL, ''))) return null;
  const text = quoted ? unquoted(bytes) : bytes.toString('latin1');
  return text === null ? null : Buffer.from(text.trimStart().replace(DATA_URL, ''), 'base64');
}

function beginsImage(text: string): boolean {
  const standard = text.slice(0, 16).replaceAll('-', '+').replaceAll('_', '/');
  return BASE64_STARTS.some((start) => standard.startsWith(start));
}

/** The text of a JSON string. */
function unquoted(bytes: Buffer): string | null {
  const end = bytes.lastIndexOf(QUOTE);
  if (end <= 0) return null;
  const inside = bytes.toString('latin1', 1, end);
  if (!inside.includes('\\')) return inside;
  try {
    return JSON.parse(`"${inside}"`) as string;
  } catch {
    return null;
  }
}

/** The bytes of Node-RED's and Node.js' own JSON form of a Buffer; null where it is none. */
function fromList(bytes: Buffer, maxBytes: number): Uint8Array | null {
  if (bytes[0] !== OPEN_BRACE || bytes.length > maxBytes * LIST_GROWTH + FRAME) return null;
  const kind = memberOf(bytes, 0, ['type']);
  if (kind?.toString('latin1') !== '"Buffer"') return null;
  const list = memberOf(bytes, 0, ['data']);
  return list?.[0] === OPEN_BRACKET ? numbersOf(list, maxBytes) : null;
}

/** `[255, 216, …]` as bytes; null where it is no list of bytes, or of too many. */
function numbersOf(list: Buffer, maxBytes: number): Uint8Array | null {
  const made = Buffer.alloc(Math.min(maxBytes, Math.ceil(list.length / 2)));
  let length = 0;
  let value = -1;
  for (let i = 1; i < list.length; i += 1) {
    const char = list[i] ?? 0;
    if (char >= 0x30 && char <= 0x39) {
      value = Math.max(0, value) * 10 + char - 0x30;
      if (value > 255) return null;
    } else if (char === COMMA || char === CLOSE_BRACKET) {
      if (value < 0 || length === made.length) return null;
      made[length] = value;
      length += 1;
      value = -1;
    } else if (!isSpace(char)) return null;
  }
  return made.subarray(0, length);
}

const [QUOTE, BACKSLASH, COLON, COMMA] = [0x22, 0x5c, 0x3a, 0x2c] as const;
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x7b, 0x7d, 0x5b, 0x5d] as const;

function isSpace(char: number | undefined): boolean {
  return char === 0x20 || char === 0x0a || char === 0x0d || char === 0x09;
}

function afterSpace(bytes: Buffer, at: number): number {
  let next = at;
  while (isSpace(bytes[next])) next += 1;
  return next;
}

/** The text of a member's value in the JSON object at `at`; null where there is none, or the walk is too long. */
function memberOf(bytes: Buffer, at: number, [name, ...rest]: readonly string[]): Buffer | null {
  const walk = { bytes, steps: 0 };
  let next = afterSpace(bytes, at);
  if (name === undefined || bytes[next] !== OPEN_BRACE) return null;
  do {
    const key = afterSpace(bytes, next + 1);
    const keyEnd = bytes[key] === QUOTE ? endOfString(walk, key) : -1;
    const colon = keyEnd < 0 ? -1 : afterSpace(bytes, keyEnd);
    if (bytes[colon] !== COLON) return null;
    const value = afterSpace(bytes, colon + 1);
    const found = unquoted(bytes.subarray(key, keyEnd)) === name;
    if (found && rest.length > 0) return memberOf(bytes, value, rest);
    const end = endOfValue(walk, value);
    if (end < 0) return null;
    if (found) return bytes.subarray(value, end);
    next = afterSpace(bytes, end);
  } while (bytes[next] === COMMA);
  return null;
}

interface Walk {
  bytes: Buffer;
  steps: number;
}

/** The place behind a value; -1 where it does not end, or only after too many steps. */
function endOfValue(walk: Walk, at: number): number {
  const { bytes } = walk;
  let depth = 0;
  let next = at;
  while (next < bytes.length && walk.steps < MOST_STEPS) {
    walk.steps += 1;
    const char = bytes[next];
    if (char === QUOTE) next = endOfString(walk, next);
    else if (char === OPEN_BRACE || char === OPEN_BRACKET) {
      depth += 1;
      next = char === OPEN_BRACKET ? afterNumbers(bytes, next + 1) : next + 1;
    } else if (char === CLOSE_BRACE || char === CLOSE_BRACKET) {
      depth -= 1;
      if (depth < 0) return next;
      next += 1;
    } else if (char === COMMA && depth === 0) return next;
    else next += 1;
    if (next < 0) return -1;
    if (depth === 0 && (char === QUOTE || char === CLOSE_BRACE || char === CLOSE_BRACKET)) return next;
  }
  return -1;
}

/** A list of numbers may be long: one step, whatever its length. */
function afterNumbers(bytes: Buffer, at: number): number {
  let next = at;
  for (let char = bytes[next]; char !== undefined; next += 1, char = bytes[next]) {
    if (char !== COMMA && !isSpace(char) && !(char >= 0x30 && char <= 0x39)) break;
  }
  return next;
}

/** The place behind the string that begins at `at`; -1 where it does not end, or only after too many steps. */
function endOfString(walk: Walk, at: number): number {
  const { bytes } = walk;
  let next = bytes.indexOf(QUOTE, at + 1);
  while (next >= 0 && walk.steps < MOST_STEPS) {
    walk.steps += 1;
    let slashes = 0;
    while (bytes[next - 1 - slashes] === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return next + 1;
    next = bytes.indexOf(QUOTE, next + 1);
  }
  return -1;
}
