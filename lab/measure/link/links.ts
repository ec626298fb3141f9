/** The links that a campaign can be measured over. docs/measurement.md has them as a table, with their sources. */
import { EdgemuxError } from '../../../common/errors.js';
import { amount, invalid } from '../../flags.js';
import type { LinkProfile } from '../store/facts.js';

const ASSUMED = 'an assumption of ours';

/** `none` is whatever lies between the programs: nothing is shaped. */
export const LINKS = {
  none: link('none', null, null, 0, 0, 'not shaped'),
  lan: link('lan', 1000, 1000, 0.5, 0, `rate of Gigabit Ethernet; round trip: ${ASSUMED}`),
  wifi: link(
    'wifi',
    18.88,
    54.97,
    4,
    2,
    `rates: JointDNN (arXiv 1801.08618); round trip and jitter: ${ASSUMED}`,
  ),
  'us-mobile-2019': link(
    ...(['us-mobile-2019', 9.75, 33.88, 50, 10] as const),
    `rates: mobile means of the report that the paper cites, as quoted in the press; round trip and jitter: ${ASSUMED}`,
  ),
} as const satisfies Record<string, LinkProfile>;

export const LINK_NAMES = [...Object.keys(LINKS), 'custom'];

/** Values of `--uplink`, `--downlink`, `--rtt` and `--jitter`; undefined where not given. */
export interface LinkFlags {
  uplink?: unknown;
  downlink?: unknown;
  rtt?: unknown;
  jitter?: unknown;
}

/**
 * The profile of a name; with any of the flags it becomes `custom`, beginning from the named one.
 * @throws EdgemuxError CONFIG_INVALID naming the flag and its value
 */
export function linkProfile(name: string, flags: LinkFlags): LinkProfile {
  const any = Object.values(flags).some((value) => value !== undefined);
  if (name === 'custom' && !any) {
    throw new EdgemuxError(
      'CONFIG_INVALID',
      '--link custom needs --uplink and --downlink (Mbit/s), and takes --rtt and --jitter (ms)',
    );
  }
  const base = (LINKS as Record<string, LinkProfile>)[name] ?? LINKS.none;
  if (name !== 'custom' && base.name !== name) throw invalid('link', name, LINK_NAMES.join(', '));
  if (!any) return base;
  return {
    name: 'custom',
    uplinkMbitS: given('uplink', flags.uplink, 0.01, 100_000) ?? base.uplinkMbitS,
    downlinkMbitS: given('downlink', flags.downlink, 0.01, 100_000) ?? base.downlinkMbitS,
    rttMs: given('rtt', flags.rtt, 0, 10_000) ?? base.rttMs,
    jitterMs: given('jitter', flags.jitter, 0, 10_000) ?? base.jitterMs,
    source:
      name === 'custom' || name === 'none'
        ? 'given on the command line'
        : `${name}, changed on the command line`,
  };
}

/** True where something has to be shaped. */
export function isShaped({ uplinkMbitS, downlinkMbitS, rttMs, jitterMs }: LinkProfile): boolean {
  return uplinkMbitS !== null || downlinkMbitS !== null || rttMs > 0 || jitterMs > 0;
}

function link(
  name: string,
  uplinkMbitS: number | null,
  downlinkMbitS: number | null,
  rttMs: number,
  jitterMs: number,
  source: string,
): LinkProfile {
  return { name, uplinkMbitS, downlinkMbitS, rttMs, jitterMs, source };
}

/** Null where the flag was not given. */
function given(flag: string, value: unknown, least: number, most: number): number | null {
  return value === undefined ? null : amount(flag, value, least, most);
}
