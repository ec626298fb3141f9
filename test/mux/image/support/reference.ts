/** What the trainer's decoder (Pillow), or torchvision, makes of a picture. */
import { spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { inputBytes, type NetworkInput } from '../../../../mux/zoo/input.js';

/** Debian's own, which alone sees python3-pil and python3-torchvision. */
const PYTHON = '/usr/bin/python3';
const PEER = resolve('test/mux/image/support/reference.py');
const TRAINER = resolve('scripts/train');

/** Why a test cannot have these Python modules: a text for `skip`; false where they are there. */
export function withoutPython(...modules: string[]): string | false {
  const { status } = spawnSync(PYTHON, ['-c', `import ${modules.join(', ')}`]);
  return status === 0 ? false : `${PYTHON} has no ${modules.join(', ')}`;
}

export class Reference {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(by: 'pillow' | 'torchvision' = 'pillow') {
    const flags = by === 'torchvision' ? ['--torchvision'] : [];
    this.#child = spawn(PYTHON, [PEER, TRAINER, ...flags], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#chunks = this.#child.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /** The pixels of a file for every input, in order. One call at a time. */
  async pixels(path: string, inputs: readonly NetworkInput[]): Promise<Buffer[]> {
    const jobs = inputs.map(({ height, width, channels, fit, share, kernel }) => ({
      height,
      width,
      channels,
      fit,
      share,
      kernel,
    }));
    this.#child.stdin.write(`${JSON.stringify({ path: resolve(path), jobs })}\n`);
    const found: Buffer[] = [];
    for (const input of inputs) found.push(await this.#read(inputBytes(input)));
    return found;
  }

  async stop(): Promise<void> {
    this.#child.stdin.end();
    if (this.#child.exitCode === null) await once(this.#child, 'exit');
  }

  async #read(length: number): Promise<Buffer> {
    const parts = [this.#rest];
    let there = this.#rest.length;
    while (there < length) {
      const { done, value } = await this.#chunks.next();
      if (done === true) throw new Error(`${PEER} ended after ${there} of ${length} bytes`);
      parts.push(value);
      there += value.length;
    }
    const all = Buffer.concat(parts);
    this.#rest = all.subarray(length);
    return all.subarray(0, length);
  }
}
