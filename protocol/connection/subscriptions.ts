import type { Message } from '../messages/message.js';
import { overlap } from '../topics/filters.js';

export type MessageHandler = (message: Message) => void | Promise<void>;

/** How a filter is listened to. */
export interface SubscribeOptions {
  /** 0 unless told. */
  qos?: 0 | 1;
  /** Whether retained messages are wanted, which MQTT 5 brokers can be told; true unless told. */
  retained?: boolean;
}

export interface Subscription {
  readonly filter: string;
  readonly qos: 0 | 1;
  readonly retained: boolean;
  readonly handler: MessageHandler;
  /**
   * Tells the broker's copies of a message apart: one for each filter that selects it (MQTT 5, clause 3.3.4). Only where
   * filters of one handler overlap.
   */
  readonly id?: number;
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

/** Without identifiers, a copy of the message before is known by its bytes, when it follows within so many milliseconds. */
const COPY_WITHIN_MS = 100;

/** What a connection listens to: remembered while it is down, made again whenever it comes up. */
export class Subscriptions {
  readonly #byFilter = new Map<string, Subscription>();
  readonly #nowMs: () => number;
  readonly #silent = new Set<string>();
  readonly #ids = new Map<string, number>();
  /** The last message that several filters of a handler select, where the broker names none of them. */
  #last: { message: Message; atMs: number } | null = null;

  /** @param nowMs monotonic */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Adds a filter, or puts another handler in its place. */
  add(filter: string, { qos = 0, retained = true }: SubscribeOptions, handler: MessageHandler): Subscription {
    const subscription = { filter, qos, retained, handler, matches: compileFilter(filter) };
    this.#byFilter.set(filter, subscription);
    return subscription;
  }

  get(filter: string): Subscription | undefined {
    return this.#byFilter.get(filter);
  }

  remove(filter: string): boolean {
    this.#silent.delete(filter);
    return this.#byFilter.delete(filter);
  }

  /** Says whether the broker sends anything for a filter: not for one that it refused or that is being given up. */
  hears(filter: string, yes: boolean): void {
    if (yes) this.#silent.delete(filter);
    else this.#silent.add(filter);
  }

  /** What to ask a new connection for. */
  all(): Subscription[] {
    const all = [...this.#byFilter.values()];
    this.#ids.clear();
    all.forEach((one, at) => {
      const meets = (other: Subscription): boolean =>
        other !== one && other.handler === one.handler && overlap(other.filter, one.filter);
      if (all.some(meets)) this.#ids.set(one.filter, at + 1);
    });
    return all.map((one) => {
      const id = this.#ids.get(one.filter);
      return id === undefined ? one : { ...one, id };
    });
  }

  /**
   * Hands a message to each handler that has a filter for it, once, however many of its filters select it and however many
   * copies the broker sends; what a handler throws goes to `onError`.
   */
  dispatch(message: Message, onError: (error: unknown, filter: string) => void): void {
    const selected = [...this.#byFilter.values()].filter(({ matches }) => matches(message.topic));
    for (const handler of new Set(selected.map((one) => one.handler))) {
      const own = selected.filter((one) => one.handler === handler);
      const filter = own[0]?.filter ?? '';
      if (own.length > 1 && this.#isCopy(message, own)) continue;
      try {
        const outcome = handler(message);
        if (outcome instanceof Promise) outcome.catch((error: unknown) => onError(error, filter));
      } catch (error) {
        onError(error, filter);
      }
    }
  }

  /**
   * A broker may send a message once for each filter that selects it (MQTT 3.1.1, clause 3.3.5). One that names the filters'
   * identifiers tells which copy this is: only that of the first filter counts.
   */
  #isCopy(message: Message, selected: readonly Subscription[]): boolean {
    const named = message.subscriptions;
    if (named !== undefined && named.length > 0) {
      const first = selected.find(({ filter }) => !this.#silent.has(filter));
      const id = this.#ids.get(first?.filter ?? '');
      return id !== undefined && !named.includes(id);
    }
    const [last, atMs] = [this.#last, this.#nowMs()];
    this.#last = { message, atMs };
    return (
      last !== null &&
      atMs - last.atMs <= COPY_WITHIN_MS &&
      last.message.topic === message.topic &&
      Buffer.compare(last.message.payload, message.payload) === 0
    );
  }
}
