import { EdgemuxError } from '../../common/errors.js';
import { CameraPattern } from './camera-pattern.js';
import { covers, overlap } from './filters.js';
import { assertBase, assertDeviceName, RESERVED_DEVICE_NAMES } from './names.js';

/**
 * All places where cameras publish. A topic belongs to the first pattern that finds a camera in it, however many
 * select it, and no subscription is made twice or within another.
 */
export class CameraPatterns {
  /** The subscriptions that receive all patterns' topics; none selects all that another does. */
  readonly filters: readonly string[];
  readonly #patterns: readonly CameraPattern[];

  /** @throws TOPIC_INVALID naming the pattern and what is wrong with it */
  constructor(patterns: readonly string[]) {
    this.#patterns = patterns.map((pattern) => new CameraPattern(pattern));
    const all = [...new Set(this.#patterns.map(({ filter }) => filter))];
    this.filters = all.filter((filter) => !all.some((other) => other !== filter && covers(other, filter)));
  }

  /** The camera that published on `topic`; null where no pattern finds a usable name. */
  match(topic: string): string | null {
    for (const pattern of this.#patterns) {
      const camera = pattern.match(topic);
      if (camera !== null) return camera;
    }
    return null;
  }

  /**
   * Refuses patterns that select topics of the contract: what the device itself says, or other devices ask, would come
   * back to it as frames.
   * @throws CONFIG_INVALID naming the key, the pattern and the topic
   */
  assertApartFrom(base: string, device: string): void {
    const taken = [assertDeviceName(device), ...RESERVED_DEVICE_NAMES].map(
      (name) => `${assertBase(base)}/${name}/#`,
    );
    for (const { filter, pattern } of this.#patterns) {
      const own = taken.find((one) => overlap(one, filter));
      if (own === undefined) continue;
      throw new EdgemuxError(
        'CONFIG_INVALID',
        `cameras.topics: ${JSON.stringify(pattern)} also selects ${own}, where edgemux itself speaks: begin the pattern ` +
          "with the cameras' own first level, or give edgemux another one (broker.baseTopic)",
        { details: { key: 'cameras.topics', value: pattern, topic: own } },
      );
    }
  }
}
