/** How the commands of the lab read a flag of their command line, and how they refuse one. */
import { EdgemuxError } from '../common/errors.js';
import { PROVIDERS, type Provider } from '../mux/config.js';

/** @param wanted what the flag must be, to be read after "must be" */
export function invalid(flag: string, value: unknown, wanted: string): EdgemuxError {
  return new EdgemuxError('CONFIG_INVALID', `--${flag} must be ${wanted} (got ${String(value)})`);
}

/** A whole number. @throws EdgemuxError CONFIG_INVALID outside of least to most */
export function whole(flag: string, value: unknown, least: number, most: number): number {
  const number = Number(value);
  if (Number.isInteger(number) && number >= least && number <= most) return number;
  throw invalid(flag, value, `a whole number from ${least} to ${most}`);
}

/** A number. @throws EdgemuxError CONFIG_INVALID outside of least to most */
export function amount(flag: string, value: unknown, least: number, most: number): number {
  const number = Number(value);
  if (number >= least && number <= most) return number;
  throw invalid(flag, value, `a number from ${least} to ${most}`);
}

/** Null where nothing was given. */
export function optionalText(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** @throws EdgemuxError CONFIG_INVALID where nothing was given, or not what `form` allows */
export function requiredText(
  argv: Record<string, unknown>,
  flag: string,
  form: RegExp = /./,
  wanted = 'given',
): string {
  const value = optionalText(argv[flag]);
  if (value !== null && form.test(value)) return value;
  throw invalid(flag, value ?? 'nothing', wanted);
}

/** `--images` of the commands that look at pictures. */
export const IMAGES_OPTION = {
  type: 'string',
  requiresArg: true,
  describe: "labelled pictures, FOLDER/<class>/*, instead of the zoo's own test images",
} as const;

/** @throws EdgemuxError CONFIG_INVALID for a bare number, which was a count once */
export function imagesFolder(argv: Record<string, unknown>): string | null {
  const folder = optionalText(argv['images'] === undefined ? undefined : String(argv['images']));
  if (folder === null || !/^\d+(\.\d+)?$/.test(folder)) return folder;
  throw invalid(
    'images',
    folder,
    `a folder of labelled pictures; for a number of images pass --limit ${folder}`,
  );
}

/** Execution providers in order, with commas. @throws EdgemuxError CONFIG_INVALID naming one that is none */
export function providerList(value: unknown): Provider[] {
  return String(value)
    .split(',')
    .map((name) => {
      const found = PROVIDERS.find((one) => one === name.trim());
      if (found !== undefined) return found;
      throw invalid('provider', name, `some of ${PROVIDERS.join(', ')}, with commas`);
    });
}
