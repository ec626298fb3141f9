/** Told what a long command is doing. */
export type Stream = Pick<NodeJS.WritableStream, 'write'> & { isTTY?: boolean };

/** One line that is rewritten in a terminal; elsewhere a line for each thing that is begun. */
export class ProgressLine {
  readonly #stream: Stream;
  #last = '';

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  show(what: string, done: number): void {
    const text = `${String(Math.floor(done * 100)).padStart(3)} %  ${what}`;
    if (this.#stream.isTTY === true) this.#stream.write(`\r\u001b[2K${text}`);
    else if (what !== this.#last) this.#stream.write(`${text}\n`);
    this.#last = what;
  }

  end(): void {
    if (this.#stream.isTTY === true) this.#stream.write('\r\u001b[2K');
  }
}
