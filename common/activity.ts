/**
 * The activity board, shared between threads: how many frames are in each stage right now, and the work that was
 * begun lately, which a simulated rail reads as the load that its power model follows.
 *
 * Memory only, no locks: one 32-bit counter a stage, and a ring of work items with many writers. A writer that is
 * overtaken by a whole round of the ring loses its item; a reader that is, skips to what is still there.
 */
export const STAGES = ['decode', 'mux', 'local', 'encode', 'upload', 'wait'] as const;
export type Stage = (typeof STAGES)[number];

/** A span of one stage of one frame, on the monotonic clock. */
export interface StageSpan {
  stage: Stage;
  startMs: number;
  endMs: number;
}

/** Kinds of work that cost energy, each with its unit. */
export const WORK_KINDS = ['macs', 'imageCpuMs', 'bytesUp', 'bytesDown'] as const;
export type WorkKind = (typeof WORK_KINDS)[number];

/** Work that begins: multiply-accumulates of a network, CPU time (ms) of an image, bytes on the way up or down. */
export interface WorkItem {
  kind: WorkKind;
  amount: number;
  /** Its start, on the monotonic clock. */
  atMs: number;
}

const RING_ITEMS = 2048;
/** 32-bit words: a counter a stage, the number of items ever written, and for each slot the number of its item. */
const HEAD = STAGES.length;
const MARKS = STAGES.length + 2;
const WORDS = MARKS + RING_ITEMS;
/** 64-bit fields of a slot: time, amount, kind. */
const FIELDS = 3;
const FIELDS_AT = WORDS * Int32Array.BYTES_PER_ELEMENT;

/** A fresh board, all stages idle. Pass `board.buffer` to a worker and wrap it there with `openBoard`. */
export function createBoard(): Int32Array<SharedArrayBuffer> {
  const bytes = FIELDS_AT + RING_ITEMS * FIELDS * Float64Array.BYTES_PER_ELEMENT;
  return new Int32Array(new SharedArrayBuffer(bytes), 0, WORDS);
}

/** The same board seen from another thread. */
export function openBoard(buffer: SharedArrayBuffer): Int32Array<SharedArrayBuffer> {
  return new Int32Array(buffer, 0, WORDS);
}

/** Counts a frame into a stage. */
export function enterStage(board: Int32Array<SharedArrayBuffer>, stage: Stage): void {
  Atomics.add(board, STAGES.indexOf(stage), 1);
}

/** Counts a frame out of a stage. */
export function leaveStage(board: Int32Array<SharedArrayBuffer>, stage: Stage): void {
  Atomics.sub(board, STAGES.indexOf(stage), 1);
}

/** How many frames are in a stage now. */
export function framesIn(board: Int32Array<SharedArrayBuffer>, stage: Stage): number {
  return Atomics.load(board, STAGES.indexOf(stage));
}

/** Notes work that begins at `atMs`; an amount that is not positive is none. */
export function postWork(board: Int32Array<SharedArrayBuffer>, { kind, amount, atMs }: WorkItem): void {
  if (!(amount > 0)) return;
  const number = Atomics.add(board, HEAD, 1);
  const slot = slotOf(number);
  const fields = new Float64Array(board.buffer, FIELDS_AT + slot * FIELDS * 8, FIELDS);
  fields[0] = atMs;
  fields[1] = amount;
  fields[2] = WORK_KINDS.indexOf(kind);
  // Last, so that no reader takes a slot that is half written. 0 is an empty slot.
  Atomics.store(board, MARKS + slot, (number + 1) | 0);
}

/** Reads a board's work items in the order in which they were posted, from now on. */
export class WorkReader {
  readonly #board: Int32Array<SharedArrayBuffer>;
  readonly #fields: Float64Array<SharedArrayBuffer>;
  #next: number;

  constructor(board: Int32Array<SharedArrayBuffer>) {
    this.#board = board;
    this.#fields = new Float64Array(board.buffer, FIELDS_AT);
    this.#next = Atomics.load(board, HEAD);
  }

  /** The next item; null while there is none, or while it is being written. */
  take(): WorkItem | null {
    for (;;) {
      const behind = (Atomics.load(this.#board, HEAD) - this.#next) | 0;
      if (behind <= 0) return null;
      if (behind > RING_ITEMS) this.#next = (this.#next + behind - RING_ITEMS) | 0;
      const slot = slotOf(this.#next);
      if (Atomics.load(this.#board, MARKS + slot) !== ((this.#next + 1) | 0)) return null;
      const [atMs = 0, amount = 0, kind = 0] = this.#fields.subarray(slot * FIELDS, (slot + 1) * FIELDS);
      const item = { kind: WORK_KINDS[kind] ?? 'macs', amount, atMs };
      const isWhole = Atomics.load(this.#board, MARKS + slot) === ((this.#next + 1) | 0);
      this.#next = (this.#next + 1) | 0;
      if (isWhole) return item;
    }
  }
}

function slotOf(number: number): number {
  return (number >>> 0) % RING_ITEMS;
}
