interface Range {
  from: number;
  to: number;
}

/**
 * Sequence numbers, kept as ranges in order: what waits for delivery is nearly always one stretch, so a million of them
 * take no memory to speak of.
 */
export class SeqSet {
  readonly #ranges: Range[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(seq: number): boolean {
    const range = this.#ranges[this.#indexOf(seq)];
    return range !== undefined && range.from <= seq;
  }

  add(seq: number): void {
    const at = this.#indexOf(seq);
    const next = this.#ranges[at];
    if (next && next.from <= seq) return;
    const before = this.#ranges[at - 1];
    this.#size += 1;
    const joinsBefore = before?.to === seq - 1;
    const joinsNext = next?.from === seq + 1;
    if (joinsBefore && joinsNext) {
      before.to = next.to;
      this.#ranges.splice(at, 1);
    } else if (joinsBefore) before.to = seq;
    else if (joinsNext) next.from = seq;
    else this.#ranges.splice(at, 0, { from: seq, to: seq });
  }

  /** Returns whether it was there. */
  delete(seq: number): boolean {
    const at = this.#indexOf(seq);
    const range = this.#ranges[at];
    if (!range || range.from > seq) return false;
    this.#size -= 1;
    if (range.from === range.to) this.#ranges.splice(at, 1);
    else if (range.from === seq) range.from += 1;
    else if (range.to === seq) range.to -= 1;
    else this.#ranges.splice(at, 1, { from: range.from, to: seq - 1 }, { from: seq + 1, to: range.to });
    return true;
  }

  clear(): void {
    this.#ranges.length = 0;
    this.#size = 0;
  }

  /** In order. */
  *[Symbol.iterator](): Generator<number, void> {
    for (const { from, to } of this.#ranges) for (let seq = from; seq <= to; seq += 1) yield seq;
  }

  /** Of the first range that ends at `seq` or behind it. */
  #indexOf(seq: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ranges[middle]?.to ?? 0) < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
