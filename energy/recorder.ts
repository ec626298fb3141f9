/** Writes every sample of every rail to a CSV file (`power.recordFile`), for measurements that keep their raw data. */
import { createWriteStream, type WriteStream } from 'node:fs';
import { messageOf } from '../common/errors.js';
import type { Log } from '../common/log.js';
import type { SampledRail } from '../drivers/sampler/sampler.js';
import { RECORD_HEADER } from './record.js';
import { Watcher } from './watcher.js';

export class SampleRecorder {
  readonly #log: Log;
  readonly #stream: WriteStream;
  readonly #watcher: Watcher;
  #lost = 0;

  /** Times in the file are seconds on the monotonic clock of the machine. An unwritable file is a logged error. */
  constructor(deps: { log: Log }, file: string) {
    this.#log = deps.log;
    this.#stream = createWriteStream(file);
    this.#stream.on('error', (error) => {
      this.#log.error(`power.recordFile: samples are not recorded: ${messageOf(error)}`);
    });
    this.#stream.write(RECORD_HEADER);
    this.#watcher = new Watcher(
      { record: (rows) => this.#stream.write(rows), alert: () => undefined },
      { watches: [], startMs: 0 },
    );
  }

  /** Takes in what was sampled since the last call. */
  look(rails: readonly SampledRail[]): void {
    this.#watcher.look(rails);
    if (this.#watcher.lost === this.#lost) return;
    this.#log.warn(`power.recordFile: ${this.#watcher.lost - this.#lost} samples were overwritten before`);
    this.#lost = this.#watcher.lost;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#stream.destroyed) resolve();
      else this.#stream.end(() => resolve());
    });
  }
}
