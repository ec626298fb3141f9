import type { ServerResponse } from 'node:http';

/** Pages that may follow at a time; each costs a connection and the bytes that go down it. */
const MOST_PAGES = 16;
const KEEP_ALIVE_MS = 15_000;
/** A page that has so much waiting does not read; what is new is told to it later. */
const MOST_WAITING_BYTES = 1024 * 1024;

export interface EventsOptions {
  /** Between two tellings. */
  periodMs: number;
  /** What is told, put together once for all pages and only while there is one. */
  tell: () => unknown;
}

/**
 * Server-sent events (WHATWG HTML, 9.2): what is new, told to all open pages on a timer of its own, so that a frame never
 * waits for a page and no page costs anything while none is open.
 */
export class Events {
  readonly #options: EventsOptions;
  readonly #pages = new Set<ServerResponse>();
  #timers: NodeJS.Timeout[] = [];

  constructor(options: EventsOptions) {
    this.#options = options;
  }

  get pages(): number {
    return this.#pages.size;
  }

  /** Takes over a response whose head was not sent yet. False where too many pages follow already. */
  follow(response: ServerResponse, headers: Record<string, string>): boolean {
    if (this.#pages.size >= MOST_PAGES) return false;
    response.writeHead(200, { ...headers, 'content-type': 'text/event-stream; charset=utf-8' });
    response.once('close', () => this.#leave(response));
    response.on('error', () => this.#leave(response));
    response.write(`retry: 2000\n\n${this.#event()}`);
    this.#pages.add(response);
    if (this.#timers.length === 0)
      this.#timers = [
        setInterval(() => this.#send(this.#event()), this.#options.periodMs),
        setInterval(() => this.#send(': still here\n\n'), KEEP_ALIVE_MS),
      ];
    return true;
  }

  /** Ends all streams. */
  stop(): void {
    for (const page of [...this.#pages]) {
      this.#leave(page);
      page.end();
    }
  }

  #event(): string {
    return `data: ${JSON.stringify(this.#options.tell())}\n\n`;
  }

  #send(text: string): void {
    for (const page of this.#pages) if (page.writableLength < MOST_WAITING_BYTES) page.write(text);
  }

  #leave(page: ServerResponse): void {
    this.#pages.delete(page);
    if (this.#pages.size > 0) return;
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
  }
}
