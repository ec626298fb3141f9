import { stat } from 'node:fs/promises';
import { relative } from 'node:path';
import type { Log } from '../common/log.js';
import { modelPaths, type Zoo } from '../mux/zoo/zoo.js';

/**
 * Watches the files of the zoo that is loaded. Models stay as they were loaded, whatever becomes of their files, and a
 * worker that has to be started again refuses files that changed: so a change only takes effect with a restart of the
 * device, and until then `state` says so.
 */
export class ZooFiles {
  readonly #deps: { log: Log; zoo: Zoo };
  readonly #periodMs: number;
  readonly #seen = new Map<string, string>();
  #timer: NodeJS.Timeout | null = null;
  #problem: string | null = null;

  constructor(deps: { log: Log; zoo: Zoo }, periodMs: number) {
    this.#deps = deps;
    this.#periodMs = periodMs;
  }

  /** What has changed, for people; null while nothing has. */
  get problem(): string | null {
    return this.#problem;
  }

  async start(): Promise<void> {
    if (this.#timer) return;
    this.#timer = setInterval(() => void this.#look(), this.#periodMs);
    this.#timer.unref();
    for (const path of modelPaths(this.#deps.zoo)) this.#seen.set(path, await mark(path));
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
  }

  async #look(): Promise<void> {
    const marks = await Promise.all(
      [...this.#seen].map(async ([path, was]) => ({ path, was, is: await mark(path) })),
    );
    const changed = marks.filter(({ was, is }) => was !== is).map(({ path }) => path);
    const problem =
      changed.length === 0
        ? null
        : `the models in use are those that were loaded; restart the device to take the changed files ${changed.map((path) => relative(this.#deps.zoo.dir, path)).join(', ')} of ${this.#deps.zoo.dir}`;
    if (problem !== null && problem !== this.#problem) this.#deps.log.warn(problem);
    this.#problem = problem;
  }
}

async function mark(path: string): Promise<string> {
  try {
    const { ino, mtimeMs, size } = await stat(path);
    return [ino, mtimeMs, size].join();
  } catch {
    return 'missing';
  }
}
