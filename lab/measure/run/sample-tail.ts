/** Follows the file of samples that the daemon writes (`power.recordFile`). */
import { open, type FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../../common/clock.js';
import type { Node } from '../../../energy/integrate.js';
import { RECORD_LINE_END, parseRecordRow } from '../../../energy/record.js';

const LOOK_MS = 100;
const CHUNK_BYTES = 1024 * 1024;
/** Samples around a window that integration needs at its edges. */
const MARGIN_MS = 2000;

export class SampleTail {
  readonly #clock: Clock;
  readonly #file: string;
  readonly #rails = new Map<string, Node[]>();
  #handle: FileHandle | null = null;
  #offset = 0;
  #half = '';

  constructor(deps: { clock: Clock }, file: string) {
    this.#clock = deps.clock;
    this.#file = file;
  }

  /** Reads on until every rail seen has a sample at `tMs` or later, or patience ends. Returns whether they have. */
  async until(tMs: number, patienceMs: number): Promise<boolean> {
    const endMs = this.#clock.monotonicMs() + patienceMs;
    for (;;) {
      await this.#read();
      const all = [...this.#rails.values()];
      if (all.length > 0 && all.every((samples) => (samples.at(-1)?.tMs ?? 0) >= tMs)) return true;
      if (this.#clock.monotonicMs() >= endMs) return false;
      await sleep(LOOK_MS);
    }
  }

  /** Samples of a window by rail, with some before and after it. */
  window(fromMs: number, toMs: number): Map<string, Node[]> {
    const inside = ({ tMs }: Node): boolean => tMs > fromMs - MARGIN_MS && tMs < toMs + MARGIN_MS;
    return new Map([...this.#rails].map(([rail, samples]) => [rail, samples.filter(inside)]));
  }

  /** Forgets what no later window can ask for. */
  forget(beforeMs: number): void {
    for (const [rail, samples] of this.#rails) {
      this.#rails.set(
        rail,
        samples.filter(({ tMs }) => tMs > beforeMs - MARGIN_MS),
      );
    }
  }

  async close(): Promise<void> {
    await this.#handle?.close();
    this.#handle = null;
  }

  async #read(): Promise<void> {
    try {
      this.#handle ??= await open(this.#file, 'r');
    } catch {
      return; // without rails the daemon makes no file
    }
    const buffer = Buffer.alloc(CHUNK_BYTES);
    for (;;) {
      const { bytesRead } = await this.#handle.read(buffer, 0, CHUNK_BYTES, this.#offset);
      if (bytesRead === 0) return;
      this.#offset += bytesRead;
      const lines = (this.#half + buffer.toString('latin1', 0, bytesRead)).split(RECORD_LINE_END);
      this.#half = lines.pop() ?? '';
      for (const line of lines) this.#take(line);
    }
  }

  #take(line: string): void {
    const row = parseRecordRow(line);
    if (!row) return;
    const samples = this.#rails.get(row.rail) ?? [];
    samples.push(row.sample);
    this.#rails.set(row.rail, samples);
  }
}
