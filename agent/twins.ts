/** Two daemons of one device name: the broker keeps one connection a name, so each throws the other off. */

/** They do so every few seconds; a broker hangs up for other reasons now and then. */
const TWIN_HANG_UPS = 4;
const SIGN = 'is there another daemon named';

/** What the health says of so many hang-ups in ten minutes; null where they mean nothing. */
export function twinWarning(hangUps: number, device: string): string | null {
  if (hangUps < TWIN_HANG_UPS) return null;
  const what = `the broker ended our connection ${hangUps} times in the last ten minutes and took us again at once`;
  return `${what}: ${SIGN} ${device}? Each needs a \`device\` of its own`;
}

/** The warning of that kind in a device's health. */
export function twinWarningIn(warnings: readonly string[]): string | null {
  return warnings.find((warning) => warning.includes(SIGN)) ?? null;
}
