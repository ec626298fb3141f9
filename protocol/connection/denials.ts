import { messageOf } from '../../common/errors.js';
import { reasonOf } from './failure.js';
import { withoutGroup } from '../topics/filters.js';

/** Topics of which a refusal is remembered; beyond it the others tell enough. */
const MOST_TOPICS = 8;

/** What the broker refuses or silently withholds on this connection, each with the right that is missing. */
export class Denials {
  readonly #subscriptions = new Set<string>();
  readonly #publications = new Map<string, string>();
  #withoutEcho: string | null = null;

  /** A new connection: the broker is asked anew. */
  clear(): void {
    this.#subscriptions.clear();
    this.#publications.clear();
    this.#withoutEcho = null;
  }

  /** What became of asking for a filter. */
  subscribed(filter: string, granted: boolean): void {
    if (granted) this.#subscriptions.delete(filter);
    else this.#subscriptions.add(filter);
  }

  /** What became of a message: `error` null where the broker took it. Returns whether this refusal is news. */
  published(topic: string, error: unknown): boolean {
    if (error === null) {
      this.#publications.delete(topic);
      return false;
    }
    const isNews = !this.#publications.has(topic);
    if (reasonOf(error) === null || (isNews && this.#publications.size >= MOST_TOPICS)) return false;
    this.#publications.set(topic, messageOf(error));
    return isNews;
  }

  /** Whether what is said on `topic` comes back to us who listen there: a broker may take it and deliver nothing. */
  echoed(topic: string, came: boolean): void {
    this.#withoutEcho = came ? null : topic;
  }

  /** For people, one line a denial. */
  lines(): string[] {
    return [
      ...[...this.#subscriptions].map(
        (filter) =>
          `the broker refuses the subscription to ${withoutGroup(filter)}: this user needs the right to read it`,
      ),
      ...[...this.#publications].map(
        ([topic, why]) =>
          `the broker refuses what is published on ${topic} (${why}): this user needs the right to write it`,
      ),
      ...(this.#withoutEcho === null
        ? []
        : [
            `the broker takes what is said on ${this.#withoutEcho} and does not deliver it: this user needs the right to ` +
              'write and to read it',
          ]),
    ];
  }
}
