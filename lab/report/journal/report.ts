/** The report of a stretch of the daemon's journal: what can be said without labels. */
import type { Result } from '../../../protocol/messages.js';
import { EdgemuxError } from '../../../common/errors.js';
import type { JournalReader } from '../../../journal/reader.js';
import { joined } from '../distribution.js';
import type { Headline, Report } from '../document.js';
import { digitsFor, grouped, NONE } from '../numbers.js';
import { answersSection, factsOf, minute, missing, plural } from './around.js';
import { bucketsOver, duration } from './buckets.js';
import { energySection } from './energy.js';
import { latencySection } from './latency.js';
import { percent, routesSection, seenRoutes } from './routes.js';
import { JournalTally, type JournalRange } from './tally.js';

export interface Made {
  createdAt: string;
  edgemux: string;
}

/** @throws EdgemuxError JOURNAL_FAILED where there is no result in the range */
export function journalReport(
  journal: JournalReader<Result>,
  range: JournalRange,
  made: Made,
  progress: (done: number) => void = () => undefined,
): Report {
  const { tally, span } = tallied(journal, range, progress);
  const energy = energySection(tally);
  return {
    format: 'edgemux-report',
    version: 1,
    kind: 'journal',
    ...made,
    title: `${[...tally.devices.keys()].join(', ')}: ${duration(span.lastMs - span.firstMs)} of answers`,
    subtitle: `${minute(span.firstMs)} to ${minute(span.lastMs)} UTC, ${grouped(tally.frames)} frames, ${plural(tally.cameras.size, 'camera')}`,
    simulated:
      tally.simulatedJ > 0
        ? [`power rails: ${grouped(tally.simulatedJ)} frames have energies of simulated rails`]
        : [],
    headline: headlineOf(tally),
    sections: [
      routesSection(tally),
      latencySection(tally),
      ...(energy ? [energy] : []),
      answersSection(tally),
    ],
    notMeasured: missing(tally),
    facts: factsOf(journal, range, tally, span.firstMs),
  };
}

/** Counts every result of the range. @throws EdgemuxError JOURNAL_FAILED where there is none */
function tallied(
  journal: JournalReader<Result>,
  range: JournalRange,
  progress: (done: number) => void,
): { tally: JournalTally; span: { firstMs: number; lastMs: number } } {
  const since = Math.max(range.sinceMs, 0);
  const until = Math.min(range.untilMs, Number.MAX_SAFE_INTEGER);
  const span = journal.span(since, until);
  if (!span) throw nothingIn(journal, since, until);
  const tally = new JournalTally(bucketsOver(span.firstMs, span.lastMs));
  let seen = 0;
  for (const { createdAtMs, result } of journal.results(since, until)) {
    tally.add(result, createdAtMs);
    seen += 1;
    if (seen % 2000 === 0) progress(seen / span.rows);
  }
  tally.unreadable = journal.unreadable;
  if (tally.frames === 0) throw nothingIn(journal, since, until);
  return { tally, span };
}

function nothingIn(journal: JournalReader<Result>, since: number, until: number): EdgemuxError {
  const all = journal.span(0, Number.MAX_SAFE_INTEGER);
  const has = all
    ? `it has ${all.rows} from ${minute(all.firstMs)} to ${minute(all.lastMs)} UTC (--since, --until)`
    : 'it is empty';
  const wanted = since > 0 || until < Number.MAX_SAFE_INTEGER ? 'in that time' : 'that can be read';
  return new EdgemuxError('JOURNAL_FAILED', `${journal.file} has no result ${wanted}: ${has}`);
}

function headlineOf(tally: JournalTally): Headline[] {
  const routes = seenRoutes(tally).map((route) => tally.route(route));
  const total = joined(routes.map(({ totalMs }) => totalMs));
  const gross = joined(routes.map(({ grossJ }) => grossJ)).mean();
  const milli = gross === null ? null : 1000 * gross;
  const asked = tally.route('cloud').frames + tally.route('fallback').frames;
  const p95 = total.percentile(0.95) ?? 0;
  const failed = tally.route('fallback').frames;
  return [
    headline('frames', grouped(tally.frames), '', `${plural(tally.cameras.size, 'camera')}`),
    headline(
      'asked of a server',
      percent(asked / tally.frames).replace(' %', ''),
      '%',
      `${grouped(failed)} without a usable answer`,
    ),
    headline(
      'latency, median',
      (total.percentile(0.5) ?? 0).toFixed(digitsFor([p95])),
      'ms',
      `95 % within ${p95.toFixed(digitsFor([p95]))} ms`,
    ),
    {
      ...headline(
        'energy of a frame',
        milli === null ? NONE : milli.toFixed(digitsFor([milli])),
        milli === null ? '' : 'mJ',
        milli === null ? 'nothing measured it' : 'gross, mean',
      ),
      simulated: tally.simulatedJ > 0,
    },
  ];
}

function headline(label: string, value: string, unit: string, note: string): Headline {
  return { label, value, unit, note, simulated: false };
}
