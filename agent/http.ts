import { join } from 'node:path';
import type { Log } from '../common/log.js';
import type { Observer } from '../http/device/observer.js';
import type { DeviceSubject } from '../http/device/subject.js';
import type { HttpServer } from '../http/server.js';
import type { Connection } from '../protocol/connection/connection.js';
import type { Result } from '../protocol/messages.js';
import type { AgentConfig } from './config.js';
import { DROP_CAUSES } from './counters.js';
import { REFUSAL_CAUSES } from './frames/admission.js';
import type { JournalClient } from '../journal/client.js';
import type { PolicyControl } from './policy-control.js';
import type { Reporter } from './reporter.js';

export interface DeviceHttpDeps {
  log: Log;
  config: AgentConfig;
  wallMs: () => number;
}

/** The parts of the daemon that HTTP shows. */
export interface ShownParts {
  connection: Pick<Connection, 'state'>;
  control: Pick<PolicyControl, 'policy' | 'patch'>;
  journal: Pick<JournalClient, 'problem'>;
  reporter: Pick<Reporter, 'state' | 'power'>;
}

/** The file of the token that changes over HTTP need. */
export function httpTokenFile({ dataDir, http }: Pick<AgentConfig, 'dataDir' | 'http'>): string {
  return http.tokenFile ?? join(dataDir, 'http-token');
}

/** The device's HTTP side, where `http.listen` is on: sees results from the start, and listens once the rest runs. */
export class DeviceHttp {
  readonly #deps: DeviceHttpDeps;
  readonly #observer: Observer;
  readonly #create: (subject: DeviceSubject) => HttpServer;
  #strict: () => boolean = () => false;
  #server: HttpServer | null = null;

  private constructor(
    deps: DeviceHttpDeps,
    observer: Observer,
    create: (subject: DeviceSubject) => HttpServer,
  ) {
    this.#deps = deps;
    this.#observer = observer;
    this.#create = create;
  }

  /** Loads what serves HTTP; null where it is off, and nothing is loaded. */
  static async load(deps: DeviceHttpDeps): Promise<DeviceHttp | null> {
    const { config, log, wallMs } = deps;
    if (config.http.listen === 'off') return null;
    const { deviceHttp } = await import('../http/device/main.js');
    const { Observer } = await import('../http/device/observer.js');
    const observer = new Observer({ wallMs, pictures: config.http.pictures });
    const settings = { log, config: config.http, tokenFile: httpTokenFile(config) };
    return new DeviceHttp(deps, observer, (subject) => deviceHttp(settings, subject));
  }

  /** Why nobody can ask now, or null. */
  get problem(): string | null {
    return this.#server?.problem ?? null;
  }

  observe(result: Result, picture: Uint8Array): void {
    this.#observer.see(result, this.#strict() ? null : picture);
  }

  /** @throws EdgemuxError CONFIG_INVALID for a token or certificate that cannot be used */
  async start({ connection, control, journal, reporter }: ShownParts): Promise<void> {
    const { mode } = this.#deps.config.journal;
    this.#strict = () => control.policy.privacy === 'strict';
    this.#server = this.#create({
      state: () => reporter.state,
      power: () => reporter.power,
      connected: () => connection.state === 'online',
      journal: () => ({ mode, problem: journal.problem }),
      causes: { refused: REFUSAL_CAUSES, drops: DROP_CAUSES },
      patchPolicy: (payload) => control.patch(payload),
      observer: this.#observer,
    });
    await this.#server.start();
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
  }
}
