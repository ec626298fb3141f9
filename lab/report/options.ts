/** The command line of `edgemux report`, as plain data. */
import { SHIPPED_ZOO } from '../../mux/config.js';
import { invalid, optionalText, whole } from '../flags.js';

export const FORMATS = ['html', 'md', 'json'] as const;
export type ReportFormat = (typeof FORMATS)[number];

export type ReportSource =
  { kind: 'campaign'; path: string } | { kind: 'journal'; path: string; sinceMs: number; untilMs: number };

export interface ReportOptions {
  source: ReportSource;
  outDir: string;
  formats: readonly ReportFormat[];
  zoo: string;
  /** An eval.json of the zoo; null: beside the campaign, else measured now. */
  evalFile: string | null;
  /** Images for the pictures of the embeddings; 0: none. */
  embeddings: number;
}

export const REPORT_OPTIONS = {
  campaign: { type: 'string', requiresArg: true, describe: 'folder that `edgemux measure` wrote' },
  journal: {
    type: 'string',
    requiresArg: true,
    describe: "the daemon's journal: its file or folder (default: that of the configuration)",
  },
  since: {
    type: 'string',
    requiresArg: true,
    describe: 'journal from this time on: 2026-11-23, 2026-11-23T08:00 (UTC), or 24h, 7d ago',
  },
  until: { type: 'string', requiresArg: true, describe: 'journal up to this time; as --since' },
  out: { type: 'string', default: 'report-out', describe: 'folder for report.html, report.md, report.json' },
  format: {
    type: 'string',
    default: 'html,md,json',
    requiresArg: true,
    describe: 'what to write, with commas',
  },
  zoo: {
    type: 'string',
    default: SHIPPED_ZOO,
    defaultDescription: 'models/fashion-mnist',
    describe: 'zoo of the campaign, for curves and embeddings',
  },
  eval: {
    type: 'string',
    requiresArg: true,
    describe:
      "eval.json of that zoo, or its folder (default: the campaign's, else measured now: a minute or two)",
  },
  embeddings: {
    type: 'number',
    default: 250,
    describe: 'images for the t-SNE pictures of the embeddings: 250 take some 10 s, 0 leaves them out',
  },
} as const;

export interface Surroundings {
  /** Folder of the journal of the configuration. */
  dataDir: () => string;
  nowMs: number;
}

/** Checks a parsed command line. @throws EdgemuxError CONFIG_INVALID naming the flag and its value */
export function reportOptions(argv: Record<string, unknown>, around: Surroundings): ReportOptions {
  return {
    source: sourceOf(argv, around),
    outDir: String(argv['out'] ?? REPORT_OPTIONS.out.default),
    formats: formatsOf(String(argv['format'] ?? REPORT_OPTIONS.format.default)),
    zoo: String(argv['zoo'] ?? SHIPPED_ZOO),
    evalFile: optionalText(argv['eval']),
    embeddings: whole('embeddings', argv['embeddings'] ?? REPORT_OPTIONS.embeddings.default, 0, 2000),
  };
}

function sourceOf(argv: Record<string, unknown>, { dataDir, nowMs }: Surroundings): ReportSource {
  const { campaign, journal, since, until } = argv;
  if (typeof campaign === 'string') {
    for (const [flag, value] of Object.entries({ journal, since, until })) {
      if (value !== undefined)
        throw invalid(flag, value, 'left out where --campaign is given: it is for the journal');
    }
    return { kind: 'campaign', path: campaign };
  }
  const sinceMs = since === undefined ? -Infinity : timeOf('since', String(since), nowMs);
  const untilMs = until === undefined ? Infinity : timeOf('until', String(until), nowMs);
  if (sinceMs >= untilMs) throw invalid('since', since, `before --until (${String(until)})`);
  return { kind: 'journal', path: typeof journal === 'string' ? journal : dataDir(), sinceMs, untilMs };
}

const UNITS_MS: Record<string, number> = { s: 1e3, min: 6e4, h: 3.6e6, d: 8.64e7 };

/** A date, a date with a time (UTC unless it says otherwise), or so long ago. */
function timeOf(flag: string, value: string, nowMs: number): number {
  const ago = /^(\d+(?:\.\d+)?)(s|min|h|d)$/.exec(value.trim());
  if (ago) return nowMs - Number(ago[1]) * (UNITS_MS[ago[2] ?? ''] ?? NaN);
  const zoned = /T.*(Z|[+-]\d\d:?\d\d)$/.test(value);
  const iso = value.trim().replace(' ', 'T');
  const ms = /^\d{4}-\d\d-\d\d/.test(iso) ? Date.parse(iso.includes('T') && !zoned ? `${iso}Z` : iso) : NaN;
  if (Number.isFinite(ms)) return ms;
  throw invalid(flag, value, 'a time such as 2026-11-23, 2026-11-23T08:00 (UTC), 24h or 7d (ago)');
}

function formatsOf(list: string): ReportFormat[] {
  return list.split(',').map((part) => {
    const found = FORMATS.find((format) => format === part.trim());
    if (found) return found;
    throw invalid('format', list, `of ${FORMATS.join(', ')}, with commas`);
  });
}
