interface Entry<Item> {
  item: Item;
  bytes: number;
}

/** What one device has waiting. */
interface Lane<Item> {
  entries: Entry<Item>[];
  bytes: number;
}

export interface QueueLimits {
  maxRequests: number;
  maxBytes: number;
}

/**
 * Waiting requests, bounded in number and bytes and fair between devices: each has a lane of its own, and lanes are
 * served round robin. When the queue is full, a newcomer takes the place of the newest request of the device that
 * has the most waiting, so that nobody can fill the queue for everybody.
 */
export class FairQueue<Item> {
  readonly #limits: QueueLimits;
  /** In the order in which devices are served next. */
  readonly #lanes = new Map<string, Lane<Item>>();
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

  /** How many requests would be served before a newcomer of this device: Σ over the lanes of min(its length, own + 1). */
  ahead(device: string): number {
    const own = this.#lanes.get(device)?.entries.length ?? 0;
    let ahead = own;
    for (const [name, { entries }] of this.#lanes)
      if (name !== device) ahead += Math.min(entries.length, own + 1);
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
  offer(device: string, item: Item, bytes: number): { admitted: boolean; evicted: Item[] } {
    const victims = this.#victims(device, bytes);
    if (!victims) return { admitted: false, evicted: [] };
    const evicted = victims.map((name) => this.#drop(name)).filter((gone) => gone !== null);
    const lane = this.#lanes.get(device) ?? { entries: [], bytes: 0 };
    this.#lanes.set(device, lane);
    lane.entries.push({ item, bytes });
    lane.bytes += bytes;
    this.#count(1, bytes);
    return { admitted: true, evicted };
  }

  /** The next item, each device in its turn; null when nothing waits. */
  take(): Item | null {
    const [first] = this.#lanes;
    if (!first) return null;
    const [device, lane] = first;
    const entry = lane.entries.shift();
    this.#lanes.delete(device);
    if (!entry) return null;
    if (lane.entries.length > 0) this.#lanes.set(device, lane); // to the end of the round
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
