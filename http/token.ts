import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import {
  chownSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { EdgemuxError, messageOf } from '../common/errors.js';
import { assertPrivate } from '../protocol/connection/credentials.js';

const TOKEN_BYTES = 24;
/** What a person may choose instead of a made one. */
const TOKEN = /^[\x21-\x7e]{16,256}$/;

/** The secret that changes over HTTP need: the first line of a file that only its owner reads. */
export class TokenFile {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Makes a token where there is none. @throws EdgemuxError CONFIG_INVALID where the file cannot be written, or is open to others */
  ensure(): void {
    if (statSync(this.path, { throwIfNoEntry: false }) === undefined) this.rotate();
    else this.read();
  }

  /** @throws EdgemuxError CONFIG_INVALID */
  read(): string {
    assertPrivate('http.tokenFile', this.path);
    const [token = ''] = this.#guarded('read', () => readFileSync(this.path, 'utf8')).split(/\r?\n/);
    if (!TOKEN.test(token)) throw invalid(this.path, 'holds no token of 16 to 256 printable characters');
    return token;
  }

  /** Writes a new token; the old one counts no more. Root leaves it to the owner of the folder. @returns the token */
  rotate(): string {
    const token = randomBytes(TOKEN_BYTES).toString('base64url');
    this.#guarded('write', () => {
      mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
      const next = `${this.path}.next`;
      const file = openSync(next, 'w', 0o600);
      writeSync(file, `${token}\n`);
      closeSync(file);
      const { gid, uid } = statSync(dirname(this.path));
      if (process.getuid?.() === 0) chownSync(next, uid, gid);
      renameSync(next, this.path);
    });
    return token;
  }

  /** Whether `given` is the token now; a rotation counts at once. False where there is no usable token. */
  matches(given: string): boolean {
    try {
      return timingSafeEqual(digest(given), digest(this.read()));
    } catch {
      return false;
    }
  }

  #guarded<T>(what: string, work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw invalid(this.path, `cannot be ${what === 'read' ? 'read' : 'written'}: ${messageOf(error)}`);
    }
  }
}

function invalid(path: string, why: string): EdgemuxError {
  return new EdgemuxError('CONFIG_INVALID', `http.tokenFile ${path} ${why}`, {
    details: { key: 'http.tokenFile', value: path },
  });
}

/** Equal lengths, so that the comparison tells nothing of the token's. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
