/**
 * The activity board: how many frames are in each stage right now, shared between threads.
 *
 * The pipeline and the inference worker count frames in and out; the simulated rail reads the counts as the load
 * that its power model follows. Memory only, no locks: one 32-bit counter a stage.
 */
export const STAGES = ['decode', 'mux', 'local', 'encode', 'upload', 'wait'] as const;
export type Stage = (typeof STAGES)[number];

/** A span of one stage of one frame, on the monotonic clock. */
export interface StageSpan {
  stage: Stage;
  startMs: number;
  endMs: number;
}

/** A fresh board, all stages idle. Pass `board.buffer` to a worker and wrap it there with `openBoard`. */
export function createBoard(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(STAGES.length * Int32Array.BYTES_PER_ELEMENT));
}

/** The same board seen from another thread. */
export function openBoard(buffer: SharedArrayBuffer): Int32Array<SharedArrayBuffer> {
  return new Int32Array(buffer);
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
