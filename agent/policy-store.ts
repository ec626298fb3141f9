import { readFileSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { EdgemuxError, messageOf } from '../common/errors.js';
import { devicePolicyPatchSchema } from '../protocol/messages.js';

const FILE = 'policy.json';

const storedSchema = z.object({
  version: z.literal(1),
  /** The configuration's `policy` section that the patch was laid over. */
  configured: z.record(z.string(), z.unknown()),
  patch: devicePolicyPatchSchema,
  at: z.string(),
});
/** What `policy/set` made of the configured policy. */
export type StoredPolicy = Omit<z.output<typeof storedSchema>, 'version'>;

/** What was set over MQTT, in a file of `dataDir`, so that it outlives the program. */
export class PolicyStore {
  readonly path: string;
  readonly #dir: string;
  #last: Promise<void> = Promise.resolve();

  constructor(dataDir: string) {
    this.#dir = dataDir;
    this.path = join(dataDir, FILE);
  }

  /** Null where nothing is set. @throws EdgemuxError MESSAGE_INVALID where the file cannot be read or understood */
  load(): StoredPolicy | null {
    let text: string;
    try {
      text = readFileSync(this.path, 'utf8');
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
      throw new EdgemuxError('MESSAGE_INVALID', `${this.path} cannot be read: ${messageOf(error)}`);
    }
    try {
      const { configured, patch, at } = storedSchema.parse(JSON.parse(text));
      return { configured, patch, at };
    } catch (error) {
      throw new EdgemuxError('MESSAGE_INVALID', `${this.path} is damaged`, { cause: error });
    }
  }

  /** Replaces what is stored, null by nothing; resolves once it is on the disk. One after the other. */
  save(stored: StoredPolicy | null): Promise<void> {
    const saved = this.#last.then(() => this.#write(stored));
    this.#last = saved.catch(() => undefined);
    return saved;
  }

  async #write(stored: StoredPolicy | null): Promise<void> {
    if (stored === null) {
      await rm(this.path, { force: true });
      return;
    }
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const file = await open(`${this.path}.new`, 'w', 0o600);
    try {
      await file.writeFile(`${JSON.stringify({ version: 1, ...stored })}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${this.path}.new`, this.path);
  }
}
