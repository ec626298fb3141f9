import type { Clock } from '../../common/clock.js';
import { prepare, type Picture } from '../image/prepare.js';
import { inputKey, type NetworkInput } from './input.js';

/** A picture that was prepared before: which part of the scene it shows, and its size in pixels. */
export type Prepared = Pick<NetworkInput, 'fit' | 'height' | 'width'> & {
  /** Of a crop; where it is absent, as in a topic, the share of whoever asks. */
  share?: number;
};

/**
 * How `input` is made of what was prepared before. The same part of the scene in the same shape is only scaled; of
 * anything else there is no more than what came, which is then taken for the whole picture.
 */
export function refit(input: NetworkInput, from: Prepared | null): NetworkInput {
  const scaled: NetworkInput = { ...input, fit: 'stretch', share: 1 };
  if (from?.fit !== input.fit) return input;
  if (input.fit === 'stretch') return scaled;
  const sameShape = from.width * input.height === from.height * input.width;
  const sameShare = input.fit !== 'crop' || (from.share ?? input.share) === input.share;
  return sameShape && sameShare ? scaled : input;
}

/** What the networks of a zoo see of one picture, as far as somebody asks: made once for inputs that are equal. */
export interface Views {
  /** uint8 HWC of exactly `input`. @throws EdgemuxError IMAGE_UNDECODABLE */
  as(input: NetworkInput): Promise<Uint8Array>;
  /** Time in ms during which something was being prepared. */
  readonly spentMs: number;
}

/** Views of a decoded picture. */
export class PictureViews implements Views {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #from: Prepared | null;
  readonly #made = new Map<string, Promise<Uint8Array>>();
  #picture: Picture | null;
  #busy = 0;
  #sinceMs = 0;
  #spentMs = 0;

  /** @param from null where the picture is as its camera made it */
  constructor(deps: { clock: Pick<Clock, 'monotonicMs'> }, picture: Picture, from: Prepared | null = null) {
    this.#clock = deps.clock;
    this.#picture = picture;
    this.#from = from;
  }

  /** Size of the whole image in pixels; null once `keep` has let the picture go. */
  get size(): { height: number; width: number } | null {
    return this.#picture?.original ?? null;
  }

  get spentMs(): number {
    return this.#spentMs;
  }

  as(input: NetworkInput): Promise<Uint8Array> {
    const key = inputKey(input);
    const made = this.#made.get(key) ?? this.#make(input);
    this.#made.set(key, made);
    return made;
  }

  /** Prepares `input` at once and forgets all else, the picture too: it may be large, and the wait for a server long. */
  keep(input: NetworkInput | null): void {
    const kept = input && this.as(input);
    this.#made.clear();
    this.#picture = null;
    if (!input || !kept) return;
    kept.catch(() => undefined); // who asks for it hears of it
    this.#made.set(inputKey(input), kept);
  }

  async #make(input: NetworkInput): Promise<Uint8Array> {
    const picture = this.#picture;
    if (!picture) throw new Error(`the picture is gone, and was not kept as ${inputKey(input)}`);
    if (this.#busy === 0) this.#sinceMs = this.#clock.monotonicMs();
    this.#busy += 1;
    try {
      return await prepare(picture, refit(input, this.#from));
    } finally {
      this.#busy -= 1;
      if (this.#busy === 0) this.#spentMs += this.#clock.monotonicMs() - this.#sinceMs;
    }
  }
}
