import { EdgemuxError } from '../../common/errors.js';

const NAME = /^[A-Za-z0-9_-]{1,64}$/;
/** Levels below `<base>` that are not devices; a device of such a name would speak on others' topics. */
export const RESERVED_DEVICE_NAMES = ['answer', 'cloud', 'offload', 'probe'] as const;

/** In place of a server: requests that a group of servers shares. No server may be called so. */
export const ANY_SERVER = 'any';

/** True where `value` may be one level of a topic of ours: 1 to 64 of `A-Za-z0-9_-`. */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value);
}

/** True where a device may be called so: a name, and none that the contract keeps for itself. */
export function isDeviceName(value: unknown): value is string {
  return isName(value) && !(RESERVED_DEVICE_NAMES as readonly string[]).includes(value);
}

/**
 * Returns `value` when it is a name.
 * @throws TOPIC_INVALID naming `key` (what the name is for) and the value
 */
export function assertName(key: string, value: unknown): string {
  if (isName(value)) return value;
  throw new EdgemuxError(
    'TOPIC_INVALID',
    `${key} ${quoted(value)} cannot stand in a topic: use 1 to 64 characters of A-Z, a-z, 0-9, "_" and "-"`,
    { details: { key, value: shortened(value) } },
  );
}

/** As `assertName`, and refuses the names that the contract keeps for itself below `<base>`. */
export function assertDeviceName(value: unknown): string {
  const name = assertName('device', value);
  if (isDeviceName(name)) return name;
  throw new EdgemuxError('TOPIC_INVALID', `device ${quoted(name)} is a name the contract keeps for itself`, {
    details: { key: 'device', value: name },
  });
}

/** True where a server may be called so. */
export function isServerName(value: unknown): value is string {
  return isName(value) && value !== ANY_SERVER;
}

/** As `assertName`, and refuses `ANY_SERVER`. */
export function assertServerName(value: unknown): string {
  const name = assertName('server', value);
  if (isServerName(name)) return name;
  throw new EdgemuxError('TOPIC_INVALID', `server ${quoted(name)} is a name the contract keeps for itself`, {
    details: { key: 'server', value: name },
  });
}

/** `<base>`: one name, or several joined by `/` (at most 8). */
export function assertBase(value: unknown): string {
  const levels = typeof value === 'string' ? value.split('/') : [];
  if (levels.length >= 1 && levels.length <= 8 && levels.every(isName)) return value as string;
  throw new EdgemuxError(
    'TOPIC_INVALID',
    `base ${quoted(value)} cannot start a topic: use names of A-Z, a-z, 0-9, "_" and "-", joined by "/"`,
    { details: { key: 'base', value: shortened(value) } },
  );
}

function shortened(value: unknown): unknown {
  return typeof value === 'string' && value.length > 80 ? `${value.slice(0, 80)}…` : value;
}

/** As JSON, so that control characters and wildcards are seen; no more than a line of it. */
function quoted(value: unknown): string {
  return JSON.stringify(shortened(value)) ?? String(value);
}
