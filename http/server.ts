import { readFileSync } from 'node:fs';
import { messageOf } from '../common/errors.js';
import type { Log } from '../common/log.js';
import { assertFile, assertPrivate } from '../protocol/connection/credentials.js';
import { isLoopback, listenAddress, type HttpConfig, type ListenAddress } from './config.js';
import type { Events } from './events.js';
import { listen, type Listening, type ServerParts } from './fastify.js';
import { openApi } from './openapi.js';
import { pageRoutes } from './page-files.js';
import { json, type Route } from './route.js';
import { TokenFile } from './token.js';

/** A port that is taken, or an address that is not there yet, is tried again this often. */
const RETRY_MS = 5000;

export interface HttpServerParts {
  log: Log;
  /** For the OpenAPI document. */
  title: string;
  config: HttpConfig;
  /** Where `http.listen` is `on`. */
  port: number;
  /** The file in use, as `http.tokenFile` or its default names it. */
  tokenFile: string;
  /** What prints the token, for people. */
  tokenCommand: string;
  routes: readonly Route[];
  events: Events | null;
  /** Whether there is a page to look at. */
  page: boolean;
}

/** The HTTP side of a program: started last, stopped first; nothing that fails in it stops the program. */
export class HttpServer {
  readonly #log: Log;
  readonly #address: ListenAddress;
  readonly #parts: ServerParts;
  #listening: Listening | null = null;
  #problem: string | null = null;
  #retry: NodeJS.Timeout | null = null;

  /** @throws EdgemuxError CONFIG_INVALID for a token or certificate that cannot be used */
  constructor({ config, log, title, port, routes, events, page, tokenCommand, tokenFile }: HttpServerParts) {
    this.#log = log;
    const address = listenAddress(config.listen, port);
    if (address === null) throw new RangeError('http.listen is off');
    this.#address = address;
    const token = new TokenFile(tokenFile);
    token.ensure();
    const tls = tlsOf(config);
    const all = [...routes, ...(page ? pageRoutes() : [])];
    const document: Route = {
      method: 'GET',
      path: '/api/openapi.json',
      summary: 'this document',
      answers: 'application/json',
      handle: () => json(openApi(title, [...all, document], events !== null)),
    };
    const open = new Set(['/healthz', '/readyz', ...(page ? pageRoutes().map(({ path }) => path) : [])]);
    const isToken = (given: string): boolean => token.matches(given);
    this.#parts = {
      log,
      routes: [...all, document],
      guard: { hosts: config.hosts, open, isToken, tokenCommand },
      events,
      tls,
    };
    if (!isLoopback(address.host) && tls === null)
      log.warn(
        { listen: config.listen },
        'HTTP listens for other machines without TLS: the token goes over the network as it is',
      );
  }

  /** Why nobody can ask now, for people; null while it listens. */
  get problem(): string | null {
    return this.#problem;
  }

  /** The port in use; null while it does not listen. */
  get port(): number | null {
    return this.#listening?.port ?? null;
  }

  /** Listens, or tries again and again. Never rejects. */
  async start(): Promise<void> {
    const { host, port } = this.#address;
    try {
      this.#listening = await listen(this.#parts, this.#address);
      this.#problem = null;
      const shown = host.includes(':') ? `[${host}]` : host;
      const scheme = this.#parts.tls === null ? 'http' : 'https';
      this.#log.info({ url: `${scheme}://${shown}:${this.#listening.port}/` }, 'HTTP listens');
    } catch (error) {
      const why = `HTTP does not listen at ${host} port ${port}: ${messageOf(error)}; set http.listen to a free one, or off`;
      if (this.#problem === null) this.#log.error(why);
      this.#problem = why;
      this.#retry = setTimeout(() => void this.start(), RETRY_MS);
      this.#retry.unref();
    }
  }

  async stop(): Promise<void> {
    if (this.#retry) clearTimeout(this.#retry);
    await this.#listening?.close();
    this.#listening = null;
  }
}

function tlsOf({ certFile, keyFile }: HttpConfig): ServerParts['tls'] {
  if (certFile === null || keyFile === null) return null;
  assertFile('http.certFile', certFile);
  assertPrivate('http.keyFile', keyFile);
  return { cert: readFileSync(certFile), key: readFileSync(keyFile) };
}
