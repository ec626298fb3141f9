import { createReadStream } from 'node:fs';

/** The lines of a file that end in a newline, each with the place behind it in bytes. */
export async function* wholeLines(path: string): AsyncGenerator<{ line: string; end: number }> {
  let rest = Buffer.alloc(0);
  let end = 0;
  for await (const block of createReadStream(path, { highWaterMark: 1 << 20 })) {
    rest = Buffer.concat([rest, block as Buffer]);
    let from = 0;
    for (let at = rest.indexOf(10); at >= 0; at = rest.indexOf(10, from)) {
      end += at + 1 - from;
      yield { line: rest.toString('utf8', from, at).replace(/\r$/, ''), end };
      from = at + 1;
    }
    rest = rest.subarray(from);
  }
}
