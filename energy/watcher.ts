/** Goes through every new sample: records it, and compares it with the alerts. */
import type { SampledRail } from '../drivers/sampler/sampler.js';
import { WATCH_UNITS, isBeyond, type Watch } from '../drivers/alerts.js';
import { recordRow } from './record.js';

export interface WatcherDeps {
  record: ((rows: string) => void) | null;
  alert: (message: string) => void;
}

export class Watcher {
  /** Times that a limit was crossed. */
  crossings = 0;
  /** Samples that were overwritten before they were looked at. */
  lost = 0;
  readonly #deps: WatcherDeps;
  readonly #watches: readonly Watch[];
  readonly #startMs: number;
  readonly #cursors = new Map<SampledRail, number>();
  readonly #beyond = new Set<string>();

  constructor(deps: WatcherDeps, options: { watches: readonly Watch[]; startMs: number }) {
    this.#deps = deps;
    this.#watches = options.watches;
    this.#startMs = options.startMs;
  }

  look(rails: readonly SampledRail[]): void {
    for (const rail of rails) this.#lookAt(rail);
  }

  #lookAt(rail: SampledRail): void {
    const watches = this.#watches.filter((watch) => watch.rail === '' || watch.rail === rail.rail.name);
    const from = this.#cursors.get(rail) ?? rail.ring.indexAt(this.#startMs);
    let index = Math.max(from, rail.ring.oldest);
    this.lost += index - from;
    let rows = '';
    for (let sample = rail.ring.at(index); sample; sample = rail.ring.at(index)) {
      const timeS = (sample.tMs - this.#startMs) / 1e3;
      if (this.#deps.record) rows += recordRow(rail.rail, timeS, sample);
      for (const watch of watches) this.#compare(rail.rail.name, watch, isBeyond(watch, sample), timeS);
      index += 1;
    }
    this.#cursors.set(rail, index);
    if (rows !== '') this.#deps.record?.(rows);
  }

  #compare(rail: string, watch: Watch, beyond: boolean, timeS: number): void {
    const key = `${rail} ${watch.quantity} ${watch.over} ${watch.limit}`;
    if (!beyond) {
      this.#beyond.delete(key);
      return;
    }
    if (this.#beyond.has(key)) return;
    this.#beyond.add(key);
    this.crossings += 1;
    const sign = watch.over ? 'above' : 'below';
    this.#deps.alert(
      `alert at ${timeS.toFixed(3)} s: ${rail} ${sign} ${watch.limit} ${WATCH_UNITS[watch.quantity]}`,
    );
  }
}
