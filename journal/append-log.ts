import {
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { failed } from './file.js';

/** The append file's name in `dataDir`. */
export const APPEND_FILE = 'journal.append';

const MAGIC = Buffer.from('EMJ1');
/** Magic, length and CRC-32 of the body, both as 32-bit little-endian numbers. */
const HEADER_BYTES = 12;
/** A file beyond this is none of ours: the journal empties it long before. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** What is found in a file: whole records, stretches of bytes that are none, and where the last record ends. */
export interface Scanned {
  records: Buffer[];
  torn: number;
  endBytes: number;
}

/**
 * A file that records are appended to: each is in the kernel's hands when `append` returns, so it survives the death
 * of the process; nothing is ever synced to the medium. All that fails is JOURNAL_FAILED.
 */
export class AppendLog {
  readonly path: string;
  #fd: number | null = null;
  /** Where the next record goes. */
  #bytes = 0;
  #isEmpty = true;
  #isCut = false;

  constructor(path: string) {
    this.path = path;
  }

  get isOpen(): boolean {
    return this.#fd !== null;
  }

  /** Whether somebody has made the file shorter than what was written into it. */
  get isCut(): boolean {
    if (this.#fd !== null) this.#isCut ||= fstatSync(this.#fd).size < this.#bytes;
    return this.#isCut;
  }

  /** Opens or creates the file, for its owner only, and tells what is in it. @throws EdgemuxError JOURNAL_FAILED */
  open(): Scanned {
    this.close();
    this.#isCut = false;
    try {
      mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
      const strange = setAsideStrange(this.path);
      closeSync(openSync(this.path, 'a', 0o600));
      chmodSync(this.path, 0o600);
      this.#fd = openSync(this.path, 'r+');
      const content = readFileSync(this.#fd);
      const { records, torn, endBytes } = scan(content);
      this.#bytes = endBytes;
      this.#isEmpty = content.length === 0;
      return { records, torn: torn + strange, endBytes };
    } catch (error) {
      this.close();
      throw failed(`cannot open the journal's append file ${this.path}`, error);
    }
  }

  /** Appends a record; one that cannot be written whole is taken back. @throws EdgemuxError JOURNAL_FAILED */
  append(body: Buffer): void {
    const fd = this.#fd;
    if (fd === null) throw failed(`cannot append to ${this.path}`, new Error('the file is not open'));
    const header = Buffer.alloc(HEADER_BYTES);
    MAGIC.copy(header);
    header.writeUInt32LE(body.length, 4);
    header.writeUInt32LE(crc32(body), 8);
    const record = Buffer.concat([header, body]);
    try {
      void this.isCut; // noticed before this record makes the file as long again
      if (this.#bytes + record.length > MAX_FILE_BYTES) throw new Error('the file is full');
      this.#isEmpty = false;
      for (let done = 0; done < record.length;)
        done += writeSync(fd, record, done, record.length - done, this.#bytes + done);
      this.#bytes += record.length;
    } catch (error) {
      this.#takeBack(fd);
      throw failed(`cannot append to ${this.path}`, error);
    }
  }

  /** Forgets all records: what they say is elsewhere now. @throws EdgemuxError JOURNAL_FAILED */
  clear(): void {
    if (this.#fd === null || this.#isEmpty) return;
    try {
      ftruncateSync(this.#fd, 0);
      this.#bytes = 0;
      this.#isEmpty = true;
      this.#isCut = false;
    } catch (error) {
      throw failed(`cannot empty ${this.path}`, error);
    }
  }

  /**
   * Begins an empty file, after this one was deleted, moved, replaced or cut; what has its name is kept under another
   * where it is none of ours. @throws EdgemuxError JOURNAL_FAILED
   */
  startOver(): void {
    try {
      if (this.#fd === null || !isSame(this.#fd, this.path)) setAside(this.path, 'lost');
    } catch (error) {
      throw failed(`cannot rename ${this.path}`, error);
    }
    this.open();
    this.#isEmpty = false;
    this.clear();
  }

  /** Closes the file, and removes it where it holds nothing. Safe to call twice. */
  close({ removeEmpty = false } = {}): void {
    if (this.#fd === null) return;
    closeSync(this.#fd);
    this.#fd = null;
    if (removeEmpty && this.#isEmpty) rmSync(this.path, { force: true });
  }

  /** What is left of a torn record is overwritten by the next one where it cannot be cut off. */
  #takeBack(fd: number): void {
    try {
      ftruncateSync(fd, this.#bytes);
    } catch {
      // the disk refuses everything: the next scan passes over it
    }
  }
}

/**
 * The whole records in `bytes`, in order. Where one is torn or damaged, the next that is whole is looked for.
 */
export function scan(bytes: Buffer): Scanned {
  const records: Buffer[] = [];
  let torn = 0;
  let endBytes = 0;
  let at = 0;
  while (at < bytes.length) {
    const body = bodyAt(bytes, at);
    if (body) {
      records.push(body);
      at += HEADER_BYTES + body.length;
      endBytes = at;
      continue;
    }
    torn += 1;
    at = nextRecord(bytes, at + 1);
  }
  return { records, torn, endBytes };
}

function nextRecord(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(MAGIC, from); at >= 0; at = bytes.indexOf(MAGIC, at + 1))
    if (bodyAt(bytes, at)) return at;
  return bytes.length;
}

function bodyAt(bytes: Buffer, at: number): Buffer | null {
  if (bytes.length - at < HEADER_BYTES || MAGIC.compare(bytes, at, at + MAGIC.length) !== 0) return null;
  const length = bytes.readUInt32LE(at + 4);
  const from = at + HEADER_BYTES;
  if (length > bytes.length - from) return null;
  const body = bytes.subarray(from, from + length);
  return crc32(body) === bytes.readUInt32LE(at + 8) ? body : null;
}

/** Renames a file that is too large to be ours. Returns how many: 0 or 1. */
function setAsideStrange(path: string): number {
  if (!existsSync(path) || statSync(path).size <= MAX_FILE_BYTES) return 0;
  setAside(path, 'damaged');
  return 1;
}

function setAside(path: string, why: 'damaged' | 'lost'): void {
  if (!existsSync(path)) return;
  let kept = `${path}.${why}`;
  for (let n = 2; existsSync(kept); n += 1) kept = `${path}.${why}-${n}`;
  renameSync(path, kept);
}

function isSame(fd: number, path: string): boolean {
  if (!existsSync(path)) return false;
  const [open, named] = [fstatSync(fd), statSync(path)];
  return open.ino === named.ino && open.dev === named.dev;
}
