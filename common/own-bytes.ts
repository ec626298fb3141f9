/** A view may hold so much more memory than it shows. */
const MOST_GROWTH = 1.2;
/** What a buffer of its own costs besides its bytes: a copy of less gains nothing. */
const OVERHEAD_BYTES = 256;

/**
 * Bytes that hold little more memory than they are: a copy where they are a small part of a larger buffer. What a socket
 * delivers is a view of a chunk of 64 KiB, all of which stays in memory as long as the view does.
 */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  const held = bytes.buffer.byteLength;
  return held <= MOST_GROWTH * bytes.byteLength + OVERHEAD_BYTES ? bytes : new Uint8Array(bytes);
}
