import { messageOf } from '../../common/errors.js';
import type { Log } from '../../common/log.js';
import type { Zoo } from '../../mux/zoo/zoo.js';
import {
  outdated,
  parseServerStatus,
  PROTOCOL,
  wrongWithStatus,
  type LiveServerStatus,
  type ServerStatus,
} from '../../protocol/messages.js';
import type { Message } from '../../protocol/connection/connection.js';

/** More servers than anybody has; beyond it new names are ignored. */
const MOST_SERVERS = 256;

/** What a device knows of its zoo when it looks at servers. */
export interface OwnZoo {
  name: string;
  hash: string;
  /** Ids. */
  models: readonly string[];
}

export function zooOf({ name, hash, manifest }: Pick<Zoo, 'name' | 'hash' | 'manifest'>): OwnZoo {
  return { name, hash, models: manifest.models.map(({ id }) => id) };
}

/**
 * Which servers are there for this device: the ones whose retained status says, on their own topic, `online` for the same
 * zoo with the same hash. A server that leaves (its last will says so) takes what it was asked with it.
 */
export class Servers {
  readonly #log: Log;
  readonly #zoo: OwnZoo;
  readonly #online = new Map<string, LiveServerStatus>();
  readonly #seen = new Map<string, ServerStatus>();
  readonly #warned = new Set<string>();
  #onGone: (server: string) => void = () => undefined;
  #onStatus: (status: LiveServerStatus, came: boolean) => void = () => undefined;

  constructor(deps: { log: Log }, zoo: OwnZoo) {
    this.#log = deps.log;
    this.#zoo = zoo;
  }

  /** Calls back when a server answers nothing any more, not even what it has. */
  onGone(listener: (server: string) => void): void {
    this.#onGone = listener;
  }

  /** Calls back with each status of a usable server; `came`: it was not usable before. */
  onStatus(listener: (status: LiveServerStatus, came: boolean) => void): void {
    this.#onStatus = listener;
  }

  /** Takes in a message of a `<base>/cloud/<server>/status` topic. */
  receive(server: string, message: Message): void {
    const status = this.#read(server, message);
    if (!status || !this.#hasRoomFor(server)) return;
    this.#seen.set(server, status);
    if (status.state === 'online' && this.#serves(server, status)) {
      const came = !this.#online.has(server);
      this.#online.set(server, status);
      if (came) this.#log.info({ server, models: status.models }, 'server is there');
      this.#onStatus(status, came);
    } else {
      this.#leave(server, status.state);
    }
  }

  /** Forgets all servers, as when the broker connection is lost: nobody can be asked then. */
  clear(): void {
    const gone = [...this.#seen].filter(([, { state }]) => state !== 'offline');
    this.#online.clear();
    this.#seen.clear();
    for (const [server] of gone) this.#onGone(server);
  }

  /** What a usable server says of itself. */
  get(server: string): LiveServerStatus | undefined {
    return this.#online.get(server);
  }

  /** What a server says of itself that may still answer. */
  live(server: string): LiveServerStatus | undefined {
    const status = this.#seen.get(server);
    return status === undefined || status.state === 'offline' ? undefined : status;
  }

  /** The usable servers. */
  get usable(): LiveServerStatus[] {
    return [...this.#online.values()];
  }

  /** What people should know: servers of our zoo that this device cannot ask. */
  get problem(): string | null {
    for (const [server, status] of this.#seen)
      if (status.state !== 'offline' && status.zoo === this.#zoo.name && outdated(status) !== null)
        return upgradeText(server, status);
    return null;
  }

  get available(): boolean {
    return this.#online.size > 0;
  }

  /** Every server heard of, as the state topic tells it. */
  list(): { server: string; state: ServerStatus['state']; zooHash: string | null; usable: boolean }[] {
    return [...this.#seen].map(([server, status]) => ({
      server,
      state: status.state,
      zooHash: status.state === 'offline' ? null : status.zooHash,
      usable: this.#online.has(server),
    }));
  }

  #read(server: string, message: Message): ServerStatus | null {
    try {
      const status = parseServerStatus(message.payload);
      const { hash, models } = this.#zoo;
      const wrong = status.state === 'offline' ? null : wrongWithStatus(server, status, { hash, models });
      if (wrong === null) return status;
      this.#warnOnce(server, { server, wrong }, 'server status ignored: it is not what this server can say');
    } catch (error) {
      this.#log.warn({ server, error: messageOf(error) }, 'unreadable server status ignored');
    }
    return null;
  }

  /** Made-up names must not fill memory and state topic: a server that is gone makes room, else the new one is ignored. */
  #hasRoomFor(server: string): boolean {
    if (this.#seen.has(server) || this.#seen.size < MOST_SERVERS) return true;
    const gone = [...this.#seen].find(([, { state }]) => state === 'offline')?.[0];
    if (gone !== undefined) return this.#seen.delete(gone);
    this.#log.warn({ server, servers: MOST_SERVERS }, 'one server too many is ignored');
    return false;
  }

  /** A draining server still answers what it has; only when it is gone, that is lost. */
  #leave(server: string, state: ServerStatus['state']): void {
    if (this.#online.delete(server)) this.#log.warn({ server, state }, 'server has left');
    if (state === 'offline') this.#onGone(server);
  }

  #serves(server: string, status: LiveServerStatus): boolean {
    if (status.zoo !== this.#zoo.name) return false;
    if (status.zooHash !== this.#zoo.hash) {
      const hashes = { server, theirs: status.zooHash, ours: this.#zoo.hash };
      const text =
        'server has another version of this zoo and is not asked; give both sides the same zoo folder';
      this.#warnOnce(server, hashes, text);
    } else if (outdated(status) !== null) this.#warnOnce(server, { server }, upgradeText(server, status));
    else return true;
    return false;
  }

  #warnOnce(server: string, what: object, text: string): void {
    if (this.#warned.has(server) || this.#warned.size >= MOST_SERVERS) return;
    this.#warned.add(server);
    this.#log.warn(what, text);
  }
}

function upgradeText(server: string, status: LiveServerStatus): string {
  const { protocol = 1, version } = status;
  return (
    `server ${server} (edgemux ${version.slice(0, 32)}) speaks protocol ${protocol} and is not asked, this device ` +
    `${PROTOCOL}: upgrade the ${outdated(status)}`
  );
}
