import type { Message } from '../messages/message.js';

export type MessageHandler = (message: Message) => void | Promise<void>;

export interface Subscription {
  readonly filter: string;
  readonly qos: 0 | 1;
  readonly handler: MessageHandler;
  readonly matches: (topic: string) => boolean;
}

/**
 * True for topics that an MQTT filter selects (MQTT 5, 4.7): `+` one level, a last `#` any number of them, none
 * of both at the start for topics of the broker's own (`$…`). The group of a `$share` filter is left out.
 */
export function compileFilter(filter: string): (topic: string) => boolean {
  const own = filter.startsWith('$share/') ? filter.split('/').slice(2).join('/') : filter;
  if (!own.includes('+') && !own.includes('#')) return (topic) => topic === own;
  const start = own.slice(0, own.search(/[+#]/));
  const wanted = own.split('/');
  const open = wanted.at(-1) === '#';
  if (open) wanted.pop();
  const wildStart = own.startsWith('+') || own.startsWith('#');
  return (topic) => {
    if (wildStart && topic.startsWith('$')) return false;
    if (!open && !topic.startsWith(start)) return false; // most messages are for another filter: no split for them
    const levels = topic.split('/');
    if (open ? levels.length < wanted.length : levels.length !== wanted.length) return false;
    return wanted.every((level, at) => level === '+' || level === levels[at]);
  };
}

/** What a connection listens to: remembered while it is down, made again whenever it comes up. */
export class Subscriptions {
  readonly #byFilter = new Map<string, Subscription>();

  /** Adds a filter, or puts another handler in its place. */
  add(filter: string, qos: 0 | 1, handler: MessageHandler): Subscription {
    const subscription = { filter, qos, handler, matches: compileFilter(filter) };
    this.#byFilter.set(filter, subscription);
    return subscription;
  }

  get(filter: string): Subscription | undefined {
    return this.#byFilter.get(filter);
  }

  remove(filter: string): boolean {
    return this.#byFilter.delete(filter);
  }

  all(): Subscription[] {
    return [...this.#byFilter.values()];
  }

  /** Hands a message to each handler whose filter selects it; what a handler throws goes to `onError`. */
  dispatch(message: Message, onError: (error: unknown, filter: string) => void): void {
    for (const { filter, handler, matches } of this.#byFilter.values()) {
      if (!matches(message.topic)) continue;
      try {
        const outcome = handler(message);
        if (outcome instanceof Promise) outcome.catch((error: unknown) => onError(error, filter));
      } catch (error) {
        onError(error, filter);
      }
    }
  }
}
