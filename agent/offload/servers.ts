import { messageOf } from '../../common/errors.js';
import type { Log } from '../../common/log.js';
import { parseServerStatus, type LiveServerStatus, type ServerStatus } from '../../protocol/messages.js';
import type { Message } from '../../protocol/connection/connection.js';

/** More servers than anybody has; beyond it new names are ignored. */
const MOST_SERVERS = 256;

/**
 * Which servers are there for this device: the ones whose retained status says `online` for the same zoo with the
 * same hash. A server that leaves (its last will says so) takes the requests in flight with it.
 */
export class Servers {
  readonly #log: Log;
  readonly #zoo: { name: string; hash: string };
  readonly #online = new Map<string, LiveServerStatus>();
  readonly #seen = new Map<string, ServerStatus>();
  readonly #warned = new Set<string>();
  #onAway: () => void = () => undefined;
  #onCame: () => void = () => undefined;

  constructor(deps: { log: Log }, zoo: { name: string; hash: string }) {
    this.#log = deps.log;
    this.#zoo = zoo;
  }

  /** Calls back when the last usable server has left. */
  onAway(listener: () => void): void {
    this.#onAway = listener;
  }

  /** Calls back when a usable server has come. */
  onCame(listener: () => void): void {
    this.#onCame = listener;
  }

  /** Takes in a message of a `<base>/cloud/<server>/status` topic. */
  receive(server: string, message: Message): void {
    const status = this.#read(server, message);
    if (!status || !this.#hasRoomFor(server)) return;
    this.#seen.set(server, status);
    if (status.state === 'online' && this.#serves(server, status)) {
      const came = !this.#online.has(server);
      this.#online.set(server, status);
      if (!came) return;
      this.#log.info({ server, models: status.models }, 'server is there');
      this.#onCame();
    } else {
      this.#leave(server, status.state);
    }
  }

  /** Forgets all servers, as when the broker connection is lost: nobody can be asked then. */
  clear(): void {
    const had = this.#online.size > 0;
    this.#online.clear();
    this.#seen.clear();
    if (had) this.#onAway();
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
      return parseServerStatus(message.payload);
    } catch (error) {
      this.#log.warn({ server, error: messageOf(error) }, 'unreadable server status ignored');
      return null;
    }
  }

  /** Made-up names must not fill memory and state topic: a server that is gone makes room, else the new one is ignored. */
  #hasRoomFor(server: string): boolean {
    if (this.#seen.has(server) || this.#seen.size < MOST_SERVERS) return true;
    const gone = [...this.#seen].find(([, { state }]) => state === 'offline')?.[0];
    if (gone !== undefined) return this.#seen.delete(gone);
    this.#log.warn({ server, servers: MOST_SERVERS }, 'one server too many is ignored');
    return false;
  }

  /** A draining server still answers what it has; only when the last one is gone, the requests in flight are lost. */
  #leave(server: string, state: ServerStatus['state']): void {
    if (this.#online.delete(server)) this.#log.warn({ server, state }, 'server has left');
    const alive = [...this.#seen.values()].some((status) => status.state !== 'offline');
    if (!alive) this.#onAway();
  }

  #serves(server: string, status: LiveServerStatus): boolean {
    if (status.zoo !== this.#zoo.name) return false;
    if (status.zooHash === this.#zoo.hash) return true;
    if (!this.#warned.has(server) && this.#warned.size < MOST_SERVERS) {
      this.#warned.add(server);
      this.#log.warn(
        { server, theirs: status.zooHash, ours: this.#zoo.hash },
        'server has another version of this zoo and is not asked; give both sides the same zoo folder',
      );
    }
    return false;
  }
}
