/** The files of a connection's secrets: who may read them, and what is in them. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { EdgemuxError, messageOf } from '../../common/errors.js';

/** Longest password that MQTT can carry, in bytes (MQTT 3.1.1, clause 3.1.3.5). */
const MOST_BYTES = 65_535;
/** Rights of everybody who is neither the owner nor in the group. */
const OTHERS = 0o007;
/** Name under which systemd hands the password over (`LoadCredential=broker-password:…`). */
export const PASSWORD_CREDENTIAL = 'broker-password';
/** The same for the secret part of the name of a group of servers. */
const SHARE_CREDENTIAL = 'share-secret';

/**
 * The password for the broker: the first line of `passwordFile`, else the systemd credential `broker-password` where
 * the service has one, else none.
 * @throws EdgemuxError CONFIG_INVALID where the file cannot be read, holds nothing, or everybody may read it
 */
export function brokerPassword(
  passwordFile: string | null,
  env: NodeJS.ProcessEnv = process.env,
): string | undefined {
  return secretOf('broker.passwordFile', passwordFile, PASSWORD_CREDENTIAL, env);
}

/**
 * What makes the name of a group of servers unguessable: the first line of `secretFile`, else the systemd credential
 * `share-secret`, else nothing.
 * @throws EdgemuxError CONFIG_INVALID as for `brokerPassword`
 */
export function shareSecret(
  secretFile: string | null,
  env: NodeJS.ProcessEnv = process.env,
): string | undefined {
  return secretOf('share.secretFile', secretFile, SHARE_CREDENTIAL, env);
}

function secretOf(
  key: string,
  file: string | null,
  name: string,
  env: NodeJS.ProcessEnv,
): string | undefined {
  if (file !== null) return firstLine(key, file);
  const folder = env['CREDENTIALS_DIRECTORY'];
  const credential = folder ? join(folder, name) : null;
  if (credential === null || !existsSync(credential)) return undefined;
  return firstLine(`systemd credential ${name}:`, credential);
}

/** @throws EdgemuxError CONFIG_INVALID where a file is missing, is no file, or everybody may read or change it */
export function assertPrivate(key: string, file: string): void {
  const { mode, size } = statOf(key, file);
  if ((mode & OTHERS) !== 0) {
    const rights = (mode & 0o777).toString(8).padStart(4, '0');
    throw invalid(`${key} ${file} is open to every user of this machine (mode ${rights}): chmod 600 ${file}`);
  }
  if (size > MOST_BYTES) throw invalid(`${key} ${file} has ${size} bytes, too many for a secret`);
}

/** @throws EdgemuxError CONFIG_INVALID where a file is missing or is no file */
export function assertFile(key: string, file: string): void {
  statOf(key, file);
}

function statOf(key: string, file: string): { mode: number; size: number } {
  let found;
  try {
    found = statSync(file);
  } catch (error) {
    throw unreadable(key, file, error);
  }
  if (!found.isFile()) throw invalid(`${key} ${file} is no file`);
  return found;
}

function firstLine(key: string, file: string): string {
  assertPrivate(key, file);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw unreadable(key, file, error);
  }
  const line = text.replace(/^\ufeff/, '').split(/\r?\n/)[0] ?? '';
  if (line === '') throw invalid(`${key} ${file} has an empty first line, where the secret should be`);
  return line;
}

function unreadable(key: string, file: string, cause: unknown): EdgemuxError {
  return new EdgemuxError('CONFIG_INVALID', `${key} ${file} cannot be read: ${messageOf(cause)}`, { cause });
}

function invalid(message: string): EdgemuxError {
  return new EdgemuxError('CONFIG_INVALID', message);
}
