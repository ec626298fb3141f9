/** So many lines of one text pass within the time; the rest of them are one line at its end. */
const PASSES = 20;
const WINDOW_MS = 10_000;
/** Texts remembered; with more, all are summed up and forgotten. */
const MOST_TEXTS = 500;

interface Text {
  lines: number;
  /** Says how many lines were left out; of the last of them. */
  sum: (repeated: number) => void;
}

/** Sums up log lines of equal text beyond a rate: a camera that sends broken frames costs some lines, not a disk. */
export class Repeats {
  readonly #texts = new Map<string, Text>();
  #timer: NodeJS.Timeout | null = null;

  /**
   * @param write writes the line
   * @param sum writes it in place of so many
   */
  take(text: string, write: () => void, sum: (repeated: number) => void): void {
    const known = this.#texts.get(text) ?? { lines: 0, sum };
    known.lines += 1;
    known.sum = sum;
    if (this.#texts.size >= MOST_TEXTS) this.sumUp();
    this.#texts.set(text, known);
    this.#timer ??= setTimeout(() => this.sumUp(), WINDOW_MS).unref();
    if (known.lines <= PASSES) write();
  }

  /** Says what was left out, and begins anew. */
  sumUp(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const texts = [...this.#texts.values()];
    this.#texts.clear();
    for (const { lines, sum } of texts) if (lines > PASSES) sum(lines - PASSES);
  }
}
