/** The line that shows how far a run is: rewritten in a terminal, a new one now and then elsewhere. */
const INTERVAL_MS = { terminal: 250, log: 5000 };
const BAR = 24;

export class ProgressLine {
  readonly #out: NodeJS.WriteStream;
  readonly #title: string;
  readonly #startMs = performance.now();
  #drawnMs = -Infinity;

  constructor(out: NodeJS.WriteStream, title: string) {
    this.#out = out;
    this.#title = title;
  }

  draw(done: number, total: number): void {
    const nowMs = performance.now();
    if (nowMs - this.#drawnMs < (this.#out.isTTY ? INTERVAL_MS.terminal : INTERVAL_MS.log)) return;
    this.#drawnMs = nowMs;
    this.#write(done, total, nowMs);
  }

  end(total: number): void {
    this.#write(total, total, performance.now());
    if (this.#out.isTTY) this.#out.write('\n');
  }

  #write(done: number, total: number, nowMs: number): void {
    const full = Math.round((BAR * done) / total);
    const bar = '█'.repeat(full) + '░'.repeat(BAR - full);
    const rate = (1000 * done) / Math.max(1, nowMs - this.#startMs);
    const text = `${this.#title}  ${bar} ${done}/${total}  ${rate.toFixed(0)} frames/s`;
    this.#out.write(this.#out.isTTY ? `\r\u001b[2K${text}` : `${text}\n`);
  }
}
