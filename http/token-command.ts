import { EXIT } from '../common/exit.js';
import { TokenFile } from './token.js';

/** Options of the `token` command of both programs. */
export const TOKEN_OPTIONS = {
  rotate: {
    type: 'boolean',
    default: false,
    describe: 'make a new one; the old one counts no more, at once',
  },
} as const;

/** Prints the token, and makes it where there is none. Returns the exit code. @throws EdgemuxError CONFIG_INVALID */
export function runToken(file: string, rotate: boolean): Promise<number> {
  const token = new TokenFile(file);
  if (rotate) token.rotate();
  else token.ensure();
  process.stdout.write(`${token.read()}\n`);
  return Promise.resolve(EXIT.ok);
}
