/**
 * How the services' C library keeps memory (glibc's mallopt(3), read at the start of a process). Decoded pictures come and go on
 * many threads: by default each thread has an arena of its own and keeps what one large picture took, so a server under dear pictures
 * stood at 2.2 times its calm memory, with these at 1.5. The units in `systemd/` set the same.
 */
export const ALLOCATOR: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '1048576',
};
