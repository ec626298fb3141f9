import { monotonicFactory } from 'ulid';
import type { Clock } from '../../common/clock.js';

/**
 * A source of frame ids: ULIDs (26 characters, sortable by time) that rise strictly within this process, also
 * within one millisecond and when the wall clock is set back.
 */
export function createFrameIds(clock: Clock): () => string {
  const next = monotonicFactory();
  return () => next(Math.max(1, Math.floor(clock.wallMs())));
}
