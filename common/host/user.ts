import { userInfo } from 'node:os';

/** The name of the user that this process runs as; its number where it has no entry in the account database. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${process.getuid?.() ?? 'unknown'}`;
  }
}
