import { messageOf } from '../common/errors.js';
import type { Log } from '../common/log.js';
import type { Connection } from '../protocol/connection/connection.js';
import type { Message } from '../protocol/messages/message.js';
import { offloadFilter, sharedFilter } from '../protocol/topics/topics.js';

export interface RequestsOptions {
  base: string;
  group: string;
  zoo: string;
}

/** The subscription to the requests: shared with the servers of the group where the broker really delivers that. */
export class Requests {
  readonly #deps: { log: Log; connection: Connection };
  readonly #options: RequestsOptions;
  #filter: string | null = null;
  #left = false;

  constructor(deps: { log: Log; connection: Connection }, options: RequestsOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** From the first connection on; calls `onTaken` after each connection that is ready for requests. */
  start(receive: (message: Message) => void, onTaken: () => void): void {
    const { connection, log } = this.#deps;
    connection.onState((state) => {
      if (state !== 'online' || this.#left) return;
      this.#subscribe(receive).then(onTaken, (error: unknown) => {
        log.warn({ error: messageOf(error) }, 'requests not subscribed; the next connection tries again');
      });
    });
  }

  /** Leaves the group, so that the others get all that comes; alone on the plain topic it stays, to refuse. */
  async leave(): Promise<void> {
    this.#left = true;
    if (this.#filter?.startsWith('$share/')) await this.#deps.connection.unsubscribe(this.#filter);
  }

  async #subscribe(receive: (message: Message) => void): Promise<void> {
    if (this.#filter !== null) return;
    const { connection, log } = this.#deps;
    const { base, group, zoo } = this.#options;
    const plain = offloadFilter(base, zoo);
    const shared = await connection.probeShared({ root: `${base}/probe` });
    const filter = shared ? sharedFilter(group, plain) : plain;
    log.info({ filter, shared }, shared ? 'sharing requests with the group' : 'broker shares no requests');
    await connection.subscribe(filter, { qos: 0 }, receive);
    this.#filter = filter;
  }
}
