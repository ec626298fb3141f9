/** The report of a campaign: the paper's tables and figures from measured data. */
import { EdgemuxError } from '../../../common/errors.js';
import { loadEmbeddings } from '../../eval/outputs/embeddings.js';
import { loadZoo } from '../../../mux/zoo/zoo.js';
import { CampaignReader } from '../../measure/store/reader.js';
import { summarise } from '../../measure/summary/summary.js';
import type { CampaignSummary } from '../../measure/summary/summary-types.js';
import type { ProgressLine } from '../../progress-line.js';
import type { Block, Headline, NotMeasured, Report, Section } from '../document.js';
import { digitsFor, grouped, NONE } from '../numbers.js';
import type { ReportOptions } from '../options.js';
import { curvesSection, fig1Section } from './curves.js';
import { embeddingsSection } from './embeddings.js';
import { energySection } from './energy.js';
import { evaluation } from './evaluation.js';
import { factsOf, simulatedIn } from './facts.js';
import { latencySection, linkBadges } from './latency.js';
import { MILLI, setupFigures, type SetupFigures } from './setup-figures.js';
import { tableOneSection } from './table-one.js';
import { tableTwoSection } from './table-two.js';
import { timelineFigure } from './timeline.js';

interface Made {
  createdAt: string;
  edgemux: string;
}

/** @throws EdgemuxError CAMPAIGN_INVALID, ZOO_INVALID */
export async function campaignReport(
  options: ReportOptions,
  path: string,
  made: Made,
  line: ProgressLine,
): Promise<Report> {
  const campaign = new CampaignReader(path);
  try {
    line.show('campaign', 0);
    const summary = summarise(campaign);
    const setups = setupFigures(campaign, summary);
    if (setups.length === 0) {
      throw new EdgemuxError(
        'CAMPAIGN_INVALID',
        `${campaign.file} has no finished run yet: go on with edgemux measure --resume`,
      );
    }
    const ofZoo = await zooSections(options, campaign, setups, line);
    const { zoo, repeats, frames } = campaign.facts;
    return {
      format: 'edgemux-report',
      version: 1,
      kind: 'campaign',
      ...made,
      title: `${zoo.local} on the device, ${zoo.largest} on the server`,
      subtitle: `${zoo.name}: ${grouped(frames)} frames, ${repeats} runs a set-up, measured ${campaign.createdAt.slice(0, 10)} (UTC)`,
      simulated: simulatedIn(campaign),
      headline: headlineOf(setups),
      sections: [...measuredSections(campaign, setups, summary), ...ofZoo.sections],
      notMeasured: [...notMeasured(campaign, setups), ...ofZoo.missing],
      facts: factsOf(campaign),
    };
  } finally {
    campaign.close();
  }
}

function measuredSections(
  campaign: CampaignReader,
  setups: readonly SetupFigures[],
  summary: CampaignSummary,
): Section[] {
  const { link } = campaign.facts;
  const timelines = setups.flatMap(({ setup }): Block[] => {
    const figure =
      ['hybrid', 'cloud-only'].includes(setup) || setups.length < 2 ? timelineFigure(campaign, setup) : null;
    return figure ? [figure] : [];
  });
  const energy = energySection(campaign, setups, timelines);
  return [
    tableOneSection(setups, summary),
    latencySection(setups, linkBadges(link)),
    ...(energy ? [energy] : []),
  ];
}

interface ZooPart {
  sections: Section[];
  missing: NotMeasured[];
}

/** What comes from the zoo: replayed curves, Fig. 1, Table II and the embeddings. */
async function zooSections(
  options: ReportOptions,
  campaign: CampaignReader,
  setups: readonly SetupFigures[],
  line: ProgressLine,
): Promise<ZooPart> {
  const zoo = await loadZoo(options.zoo);
  const { hash, name } = campaign.facts.zoo;
  const what = 'curves, Fig. 1, Table II and embeddings';
  if (zoo.hash !== hash) {
    const why = `the campaign measured ${name} (${hash.slice(0, 12)}…), --zoo ${options.zoo} is ${zoo.name} (${zoo.hash.slice(0, 12)}…)`;
    return { sections: [], missing: [{ what, why }] };
  }
  const report = await evaluation(options, campaign, zoo, line);
  const embeddings = options.embeddings > 0 ? await loadEmbeddings(options.zoo) : null;
  const tell = (text: string, done: number): void => line.show(text, done);
  const parts = report
    ? [curvesSection(report, setups), fig1Section(report), tableTwoSection(report, setups)]
    : [];
  return {
    sections: [
      ...parts.filter((section) => section !== null),
      ...(embeddings ? [embeddingsSection(embeddings, options.embeddings, tell)] : []),
    ],
    missing: [
      ...(report ? [] : [{ what: 'curves, Fig. 1 and Table II', why: 'the zoo ships no test images' }]),
      ...(report?.notes ?? []).map((why) => ({ what: 'evaluation of the zoo', why })),
      ...(embeddings
        ? []
        : [
            {
              what: 'Fig. 3 and Fig. 6',
              why: options.embeddings === 0 ? 'left out (--embeddings 0)' : 'the zoo ships no embeddings',
            },
          ]),
    ],
  };
}

function tile(label: string, value: string, unit: string, note: string): Headline {
  return { label, value, unit, note, simulated: false };
}

function headlineOf(setups: readonly SetupFigures[]): Headline[] {
  const shown = setups.find(({ setup }) => setup === 'hybrid') ?? setups[0];
  const cloud = setups.find(({ setup }) => setup === 'cloud-only');
  if (!shown) return [];
  const against = (of: (figures: SetupFigures) => string): string =>
    cloud && cloud !== shown ? `${shown.setup}; cloud-only ${of(cloud)}` : shown.setup;
  const ms = ({ latencyMs }: SetupFigures): string => latencyMs.mean.toFixed(digitsFor([latencyMs.mean]));
  const mj = ({ energy }: SetupFigures): string =>
    energy?.frame ? (MILLI * energy.frame.grossJ).toFixed(digitsFor([MILLI * energy.frame.grossJ])) : NONE;
  const accuracy = ({ accuracy: { value } }: SetupFigures): string => (100 * value).toFixed(2);
  return [
    tile(
      'accuracy',
      accuracy(shown),
      '%',
      against((one) => `${accuracy(one)} %`),
    ),
    tile('kept on the device', (100 * shown.localShare).toFixed(1), '%', 'of frames'),
    tile(
      'latency, mean',
      ms(shown),
      'ms',
      against((one) => `${ms(one)} ms`),
    ),
    {
      ...tile(
        'device energy of a frame',
        mj(shown),
        'mJ',
        against((one) => `${mj(one)} mJ`),
      ),
      simulated: shown.energy?.simulated ?? false,
    },
  ];
}

function notMeasured(campaign: CampaignReader, setups: readonly SetupFigures[]): NotMeasured[] {
  const planned = campaign.runs().filter(({ status }) => status !== 'done').length;
  const without = setups.filter(({ energy }) => !energy?.frame).map(({ setup }) => setup);
  return [
    ...campaign.facts.notMeasured,
    ...(without.length > 0
      ? [{ what: `energy of ${without.join(', ')}`, why: 'no rail measured, or only with gaps' }]
      : []),
    ...(planned > 0
      ? [{ what: `${planned} runs`, why: 'the campaign is not over: edgemux measure --resume' }]
      : []),
  ];
}
