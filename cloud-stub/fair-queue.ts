import { FairShares } from '../common/fair-shares.js';

/** What a request costs this server, by the header of its image. */
export interface Work {
  /** Processor time that decoding is expected to take, in ms (`mux/image/decode-cost.ts`). */
  decodeMs: number;
  /** No two such are decoded at a time. */
  costly: boolean;
}

/** What every request takes besides, in the unit of `decodeMs`: batch, run, answer. */
const REQUEST_MS = 10;

/** All that a request takes, in the unit of `decodeMs`. */
export function costMs({ decodeMs }: Pick<Work, 'decodeMs'>): number {
  return REQUEST_MS + decodeMs;
}

interface Entry<Item> {
  item: Item;
  bytes: number;
  work: Work;
}

/** What one device has waiting. */
interface Lane<Item> {
  entries: Entry<Item>[];
  bytes: number;
  /** Start tag of the first entry: each is served where the one before it ends. */
  start: number;
}

/** Work that is served before a newcomer. */
export interface Ahead {
  requests: number;
  /** Of requests that are not costly, in ms. */
  ms: number;
  costlyMs: number;
}

export interface QueueLimits {
  maxRequests: number;
  maxBytes: number;
}

/**
 * Waiting requests, bounded in number and bytes and fair between devices: each has a lane of its own, and lanes take turns by
 * what their requests cost. When the queue is full, a newcomer takes the place of the newest request of the device that
 * has the most waiting, so that nobody can fill the queue for everybody.
 */
export class FairQueue<Item> {
  readonly #limits: QueueLimits;
  readonly #lanes = new Map<string, Lane<Item>>();
  readonly #shares = new FairShares();
  #length = 0;
  #bytes = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  get length(): number {
    return this.#length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** What would be served before a newcomer of this device: its own, and what of others has no later turn. */
  ahead(device: string): Ahead {
    const own = this.#lanes.get(device);
    const turn = own ? own.start + costOf(own) : this.#shares.startOf(device);
    const ahead = { requests: 0, ms: 0, costlyMs: 0 };
    for (const lane of this.#lanes.values()) {
      let start = lane.start;
      for (const { work } of lane.entries) {
        if (lane !== own && start > turn) break;
        const ms = costMs(work);
        start += ms;
        ahead.requests += 1;
        ahead[work.costly ? 'costlyMs' : 'ms'] += ms;
      }
    }
    return ahead;
  }

  /**
   * Whether a newcomer of this device would be refused for the number of requests, whatever its size: the queue is full
   * and no other device has more waiting. Costs next to nothing, for it is asked when there is too much to do.
   */
  full(device: string): boolean {
    if (this.#length < this.#limits.maxRequests) return false;
    const own = (this.#lanes.get(device)?.entries.length ?? 0) + 1;
    for (const [name, { entries }] of this.#lanes) if (name !== device && entries.length > own) return false;
    return true;
  }

  /**
   * Takes an item in. `admitted` is false where it does not fit, then nothing has changed; `evicted` are the items
   * that had to go for it.
   */
  offer(
    device: string,
    item: Item,
    { bytes, work }: { bytes: number; work: Work },
  ): { admitted: boolean; evicted: Item[] } {
    const victims = this.#victims(device, bytes);
    if (!victims) return { admitted: false, evicted: [] };
    const evicted = victims.map((name) => this.#drop(name)).filter((gone) => gone !== null);
    const lane = this.#lanes.get(device) ?? { entries: [], bytes: 0, start: this.#shares.startOf(device) };
    this.#lanes.set(device, lane);
    lane.entries.push({ item, bytes, work });
    lane.bytes += bytes;
    this.#count(1, bytes);
    return { admitted: true, evicted };
  }

  /** The next item of those that may be taken now, each device in its turn; null where there is none. */
  take(allowed: (device: string, work: Work) => boolean = () => true): Item | null {
    let found: [string, Lane<Item>] | null = null;
    for (const one of this.#lanes) {
      const [device, { entries, start }] = one;
      const work = entries[0]?.work;
      if (work && (found === null || start < found[1].start) && allowed(device, work)) found = one;
    }
    if (!found) return null;
    const [device, lane] = found;
    const entry = lane.entries.shift();
    if (!entry) return null;
    const cost = costMs(entry.work);
    this.#shares.serve(device, lane.start, cost);
    lane.start += cost;
    if (lane.entries.length === 0) this.#lanes.delete(device);
    lane.bytes -= entry.bytes;
    this.#count(-1, -entry.bytes);
    return entry.item;
  }

  /** Whose newest request has to go, one name a request, so that `bytes` more fit; null where that would be unfair. */
  #victims(device: string, bytes: number): string[] | null {
    const { maxRequests, maxBytes } = this.#limits;
    if (bytes > maxBytes || this.full(device)) return null;
    if (this.#length < maxRequests && this.#bytes + bytes <= maxBytes) return [];
    const left = new Map([...this.#lanes].map(([name, lane]) => [name, { ...lane, n: lane.entries.length }]));
    const own = { n: (left.get(device)?.n ?? 0) + 1, bytes: (left.get(device)?.bytes ?? 0) + bytes };
    left.delete(device);
    const victims: string[] = [];
    let [length, total] = [this.#length, this.#bytes];
    while (length >= maxRequests || total + bytes > maxBytes) {
      const by = length >= maxRequests ? 'n' : 'bytes';
      const [name, worst] = largest(left, by) ?? ['', null];
      if (!worst || worst[by] <= own[by]) return null;
      const size = worst.entries[worst.n - 1]?.bytes ?? 0;
      worst.n -= 1;
      worst.bytes -= size;
      length -= 1;
      total -= size;
      victims.push(name);
    }
    return victims;
  }

  /** Takes the newest item out of a lane. */
  #drop(device: string): Item | null {
    const lane = this.#lanes.get(device);
    const entry = lane?.entries.pop();
    if (!lane || !entry) return null;
    lane.bytes -= entry.bytes;
    if (lane.entries.length === 0) this.#lanes.delete(device);
    this.#count(-1, -entry.bytes);
    return entry.item;
  }

  #count(items: number, bytes: number): void {
    this.#length += items;
    this.#bytes += bytes;
  }
}

function largest<Size extends { n: number; bytes: number }>(
  lanes: ReadonlyMap<string, Size>,
  by: 'n' | 'bytes',
): [string, Size] | null {
  let found: [string, Size] | null = null;
  for (const [name, lane] of lanes) if (!found || lane[by] > found[1][by]) found = [name, lane];
  return found;
}

function costOf<Item>({ entries }: Lane<Item>): number {
  return entries.reduce((sum, { work }) => sum + costMs(work), 0);
}
