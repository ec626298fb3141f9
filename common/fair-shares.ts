/** Senders that have had no more than their share are forgotten when so many are remembered beyond those that have. */
const MOST_FORGETTABLE = 256;

/**
 * Shares of work that are equal in cost, not in number: start-time fair queueing (Goyal, Vin and Cheng, 1997, section 2).
 * Virtual time is counted in the unit of cost. Whoever asks gets a start tag, the later of now and the end of what it was served
 * last, and the least tag is served first: a sender of costly work waits until the others have had as much, and
 * has all there is while nobody else asks.
 */
export class FairShares {
  #now = 0;
  /** Where senders are served to, in virtual time. */
  readonly #servedTo = new Map<string, number>();
  #forgettable = 0;

  /** The start tag of what a sender asks for now, while it asks for nothing else. */
  startOf(sender: string): number {
    return Math.max(this.#now, this.#servedTo.get(sender) ?? 0);
  }

  /** What has this start tag is served now, at this cost. */
  serve(sender: string, start: number, cost: number): void {
    this.#now = Math.max(this.#now, start);
    this.#servedTo.set(sender, start + cost);
    this.#forgettable += 1;
    if (this.#forgettable > MOST_FORGETTABLE) this.#forget();
  }

  /** Costs amortised constant time: senders that remain are not looked at again before as many more were served. */
  #forget(): void {
    for (const [sender, to] of this.#servedTo) if (to <= this.#now) this.#servedTo.delete(sender);
    this.#forgettable = -this.#servedTo.size;
  }
}
