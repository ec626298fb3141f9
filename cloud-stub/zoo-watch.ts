import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isEdgemuxError, messageOf } from '../common/errors.js';
import type { Log } from '../common/log.js';
import type { ServerCounters } from './counters.js';

export interface ZooWatchDeps {
  log: Log;
  counters: ServerCounters;
  /** Loads the zoo again; false where nothing has changed. */
  reload: () => Promise<boolean>;
  /** Called when another zoo serves. */
  onReload: () => void;
}

/**
 * Reloads the zoo when its manifest has changed: size, time or file. The folder is looked at now and then; notices of
 * the file system are lost on network folders. While files are still being copied it tries again each time.
 */
export class ZooWatch {
  readonly #deps: ZooWatchDeps;
  readonly #manifest: string;
  readonly #periodMs: number;
  #seen: string | null = null;
  #timer: NodeJS.Timeout | null = null;
  #trouble: string | null = null;
  #busy: Promise<void> | null = null;

  /** @param periodMs 0: never by itself */
  constructor(deps: ZooWatchDeps, folder: string, periodMs: number) {
    this.#deps = deps;
    this.#manifest = join(folder, 'manifest.json');
    this.#periodMs = periodMs;
  }

  /** Remembers the manifest as it is; call it before the zoo is loaded, so that no change goes unseen. */
  async start(): Promise<void> {
    if (this.#periodMs === 0 || this.#timer) return;
    this.#timer = setInterval(() => void this.#look(), this.#periodMs);
    this.#seen = await this.#mark();
  }

  async stop(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    await this.#busy;
  }

  /** Loads the zoo again now. Never rejects: what is wrong with it is logged, and the old one goes on serving. */
  reload(): Promise<void> {
    this.#busy ??= this.#reload().finally(() => (this.#busy = null));
    return this.#busy;
  }

  async #look(): Promise<void> {
    if (this.#busy) return;
    const mark = await this.#mark();
    if (mark === null || mark === this.#seen) return;
    this.#seen = mark;
    await this.reload();
  }

  async #reload(): Promise<void> {
    const { counters, log, onReload, reload } = this.#deps;
    try {
      const changed = await reload();
      this.#trouble = null;
      if (!changed) return;
      counters.zooReloads += 1;
      log.info('zoo reloaded');
      onReload();
    } catch (error) {
      if (isEdgemuxError(error, 'ZOO_CHANGED', 'ZOO_NOT_FOUND')) this.#seen = null;
      const trouble = messageOf(error);
      if (trouble === this.#trouble) return;
      this.#trouble = trouble;
      counters.zooReloadsFailed += 1;
      log.error({ error: trouble }, 'the new zoo is unusable; the old one goes on serving');
      onReload();
    }
  }

  async #mark(): Promise<string | null> {
    try {
      const { ino, mtimeMs, size } = await stat(this.#manifest);
      return [ino, mtimeMs, size].join();
    } catch {
      return null;
    }
  }
}
