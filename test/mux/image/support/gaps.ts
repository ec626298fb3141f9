/** How far pixels are from others: a histogram of |Δ| in grey levels. */
export class Gaps {
  readonly #counts = new Float64Array(256);
  #values = 0;

  add(a: Uint8Array, b: Uint8Array): void {
    if (a.length !== b.length) throw new Error(`${a.length} values against ${b.length}`);
    for (let i = 0; i < a.length; i += 1) {
      const gap = Math.abs((a[i] ?? 0) - (b[i] ?? 0));
      this.#counts[gap] = (this.#counts[gap] ?? 0) + 1;
    }
    this.#values += a.length;
  }

  get mean(): number {
    return this.#counts.reduce((sum, count, gap) => sum + count * gap, 0) / this.#values;
  }

  /** The smallest |Δ| that at least this share of the values does not exceed. */
  quantile(share: number): number {
    let below = 0;
    return this.#counts.findIndex((count) => (below += count) >= share * this.#values);
  }

  get most(): number {
    return this.#counts.findLastIndex((count) => count > 0);
  }
}
