import { EdgemuxError, messageOf } from '../common/errors.js';
import type { Log } from '../common/log.js';
import type { Connection } from '../protocol/connection/connection.js';
import type { Message } from '../protocol/messages/message.js';
import { ANY_SERVER, isName, offloadFilter, sharedFilter } from '../protocol/topics/topics.js';

export interface RequestsOptions {
  base: string;
  server: string;
  /** Name of the zoo, once it is loaded. */
  zoo: () => string;
  /** In whose name, secret where possible, requests to any server of the group are taken; null: they are not. */
  sharedGroup: string | null;
  /** In whose name requests of devices of protocol 1 are; null: they are not. */
  legacyGroup: string | null;
}

/**
 * The subscriptions to requests: those to this server, and where it is configured those that a group shares and those of
 * devices of protocol 1. What is shared can be taken by anybody who knows the name of the group.
 */
export class Requests {
  readonly #deps: { log: Log; connection: Connection };
  readonly #options: RequestsOptions;
  readonly #taken: string[] = [];
  #shares = false;
  #started = false;
  #left = false;

  constructor(deps: { log: Log; connection: Connection }, options: RequestsOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** Whether requests to any server of the group really arrive here. */
  get shares(): boolean {
    return this.#shares;
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

  /** Leaves the group, so that the others get all that comes to any server; what comes to this one alone it refuses. */
  async leave(): Promise<void> {
    this.#left = true;
    const shared = this.#taken.filter((filter) => filter.startsWith('$share/'));
    await Promise.all(shared.map((filter) => this.#deps.connection.unsubscribe(filter)));
  }

  async #subscribe(receive: (message: Message) => void): Promise<void> {
    if (this.#started) return;
    const { base, legacyGroup, server, sharedGroup, zoo } = this.#options;
    await this.#deps.connection.subscribe(offloadFilter(base, server, zoo()), { qos: 0 }, receive);
    this.#started = true;
    if (sharedGroup !== null || legacyGroup !== null) await this.#others(receive);
  }

  /** Never rejects: requests to this server arrive already. */
  async #others(receive: (message: Message) => void): Promise<void> {
    const { connection, log } = this.#deps;
    const { base, legacyGroup, server, sharedGroup, zoo } = this.#options;
    const delivers = await connection.probeShared({ root: `${base}/probe/${server}` }).catch(() => false);
    const any = offloadFilter(base, ANY_SERVER, zoo());
    const legacy = offloadFilter(base, null, zoo());
    const wanted: string[] = [];
    if (sharedGroup !== null && delivers) wanted.push(sharedFilter(sharedGroup, any));
    if (sharedGroup !== null && !delivers)
      log.warn('share.enabled: this broker delivers nothing to groups; devices ask single servers');
    if (legacyGroup !== null) wanted.push(delivers ? sharedFilter(legacyGroup, legacy) : legacy);
    for (const filter of wanted) {
      try {
        await connection.subscribe(filter, { qos: 0 }, receive);
        this.#taken.push(filter);
        this.#shares ||= filter.endsWith(any);
      } catch (error) {
        log.warn({ error: messageOf(error) }, 'the broker refuses this server requests to its group');
      }
    }
  }
}

/** Least length of the secret part of a group's name: 96 bits in base64url, 64 in hexadecimal. */
const LEAST_SECRET_CHARS = 16;

/**
 * The name of a group: `<group>-<secret>`, which nobody guesses, or `<group>` where there is no secret.
 * @throws EdgemuxError CONFIG_INVALID where the secret is too short, or cannot stand in a topic
 */
export function groupName(group: string, secret: string | undefined): string {
  if (secret === undefined) return group;
  const name = `${group}-${secret}`;
  if (isName(name) && secret.length >= LEAST_SECRET_CHARS) return name;
  throw new EdgemuxError(
    'CONFIG_INVALID',
    `share.secretFile: its first line must be ${LEAST_SECRET_CHARS} to ${63 - group.length} characters of A-Z a-z 0-9 _ -: ` +
      'make one with `openssl rand -hex 16` and give it to all servers of the group',
  );
}
