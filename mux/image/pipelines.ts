/**
 * Whose words are they? libvips keeps what it complains of in one place for all threads, and the end of any pipeline empties
 * it. What a failed pipeline said is its own only if no other ended in the meantime.
 */

/** Runs one pipeline of libvips. */
export type Through = <T>(run: () => Promise<T>) => Promise<T>;

let [running, ended] = [0, 0];
/** Errors that can have lost their words, or have another's. */
const overheard = new WeakSet<object>();
let closed: Promise<void> | null = null;

/** Counts a pipeline; every one has to run through here, or through an attempt of `ownWords`. */
export const pipeline: Through = async (run) => {
  while (closed) await closed;
  return counted(run);
};

const counted: Through = async (run) => {
  const [before, beside] = [ended, running];
  running += 1;
  try {
    return await run();
  } catch (error) {
    if ((ended !== before || beside > 0 || running > 1) && error instanceof Error) overheard.add(error);
    throw error;
  } finally {
    running -= 1;
    ended += 1;
  }
};

/** Whether what failed was alone with libvips. */
export function wordsAreOwn(error: unknown): boolean {
  return !(error instanceof Error && overheard.has(error));
}

/**
 * What something that fails complains of: tries it while nothing else begins, until nothing else ran beside it, or once more
 * than there was. What runs already is not waited for: a costly neighbour is not to hold up everybody.
 *
 * @returns its error; null where it did not fail after all
 */
export async function ownWords(attempt: (through: Through) => Promise<unknown>): Promise<unknown> {
  while (closed) await closed;
  let open = (): void => undefined;
  closed = new Promise((resolve) => (open = resolve));
  try {
    for (let left = running + 1; ; left -= 1) {
      const error = await attempt(counted).then(
        () => null,
        (cause: unknown) => cause,
      );
      if (wordsAreOwn(error) || left === 0) return error;
    }
  } finally {
    closed = null;
    open();
  }
}
