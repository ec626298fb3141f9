/** What stands around the figures of a journal: classes that were seen, what is not known, circumstances. */
import type { JournalReader } from '../../../journal/reader.js';
import type { Fact, NotMeasured, Section } from '../document.js';
import { grouped, NONE } from '../numbers.js';
import type { JournalRange, JournalTally } from './tally.js';

const MOST_LABELS = 12;

export function answersSection(tally: JournalTally): Section {
  const sorted = [...tally.labels].sort(([, a], [, b]) => b - a);
  const shown = sorted.slice(0, MOST_LABELS);
  return {
    id: 'answers',
    title: 'What was seen',
    lead: 'The classes that were answered. Whether they are right is not known here.',
    blocks: [
      {
        kind: 'figure',
        id: 'labels',
        width: 'full',
        chart: {
          kind: 'bars',
          title: 'Answers by class',
          digits: 1,
          x: { name: 'class', categories: shown.map(([label]) => label) },
          y: { name: 'frames (%)', min: 0 },
          bars: [{ name: 'frames', values: shown.map(([, frames]) => (100 * frames) / tally.frames) }],
        },
        caption:
          sorted.length > shown.length
            ? `The ${MOST_LABELS} most frequent of ${sorted.length} classes.`
            : 'All classes.',
      },
    ],
  };
}

/** What a journal cannot tell. */
export function missing(tally: JournalTally): NotMeasured[] {
  const without = tally.frames - tally.measuredJ;
  return [
    {
      what: 'accuracy, Table I and II, Fig. 1, the oracle',
      why: 'frames of a camera have no labels; `edgemux measure` plays labelled ones',
    },
    {
      what: 'drops and refusals',
      why: 'the journal holds results; the counters since start are in the retained message edgemux/<device>/state',
    },
    {
      what: 'power over time',
      why: 'the journal holds the energy of frames and no samples; `edgemux power --record` keeps those',
    },
    {
      what: 'upload and download apart',
      why: 'clocks of device and server are not compared: round trip less residence is their sum',
    },
    ...(without > 0
      ? [
          {
            what: `energy of ${grouped(without)} frames`,
            why: 'no rail measured at the time, or a gap in its samples',
          },
        ]
      : []),
    ...(tally.unreadable > 0
      ? [
          {
            what: `${grouped(tally.unreadable)} rows of the journal`,
            why: 'they are no results of this version',
          },
        ]
      : []),
  ];
}

export function factsOf(
  journal: Pick<JournalReader<unknown>, 'file'>,
  range: JournalRange,
  tally: JournalTally,
  firstMs: number,
): Fact[] {
  const list = (counts: Map<string, number>): string => [...counts.keys()].join(', ') || NONE;
  const wanted = [
    Number.isFinite(range.sinceMs) ? `since ${minute(range.sinceMs)}` : '',
    Number.isFinite(range.untilMs) ? `until ${minute(range.untilMs)}` : '',
  ].filter((part) => part !== '');
  return [
    { name: 'journal', value: journal.file },
    {
      name: 'asked for',
      value:
        wanted.length > 0
          ? `${wanted.join(', ')} UTC; the first result is of ${minute(firstMs)}`
          : 'everything in it',
    },
    { name: 'device', value: list(tally.devices) },
    { name: 'cameras', value: list(tally.cameras) },
    { name: 'zoo', value: list(tally.zoos) },
    { name: 'execution provider', value: list(tally.providers) },
    { name: 'servers that answered', value: list(tally.servers) },
  ];
}

export function minute(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
}

export function plural(count: number, what: string): string {
  return `${grouped(count)} ${what}${count === 1 ? '' : 's'}`;
}
