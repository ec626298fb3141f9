/** A first-in first-out queue bounded in items and in bytes: what does not fit is refused at once. */
export class BoundedQueue<Item> {
  readonly #items: { item: Item; bytes: number }[] = [];
  readonly #limits: { maxRequests: number; maxBytes: number };
  #bytes = 0;

  constructor(limits: { maxRequests: number; maxBytes: number }) {
    this.#limits = limits;
  }

  /** Takes an item in, or returns false where it does not fit. */
  offer(item: Item, bytes: number): boolean {
    if (this.#items.length >= this.#limits.maxRequests || this.#bytes + bytes > this.#limits.maxBytes)
      return false;
    this.#items.push({ item, bytes });
    this.#bytes += bytes;
    return true;
  }

  take(): Item | null {
    const first = this.#items.shift();
    if (!first) return null;
    this.#bytes -= first.bytes;
    return first.item;
  }

  get length(): number {
    return this.#items.length;
  }

  get bytes(): number {
    return this.#bytes;
  }
}
