/** `edgemux measure`: plays the same frames through several set-ups and keeps what it measured. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgemuxError } from '../../common/errors.js';
import { EXIT } from '../../common/exit.js';
import { silentLog } from '../../common/log.js';
import { stopSignal } from '../../common/signals.js';
import { loadZoo } from '../../mux/zoo/zoo.js';
import { campaignImages, type CampaignImages } from './run/images.js';
import { runCampaign } from './campaign.js';
import { askedFacts, resultPatienceMs, type MeasureOptions } from './options.js';
import { campaignFacts, runOrder, setupRow } from './plan.js';
import { CampaignReader, campaignFile } from './store/reader.js';
import { CampaignWriter } from './store/writer.js';
import { summarise } from './summary/summary.js';
import { summaryText } from './summary/table.js';
import type { BrokerOf } from './run/rig.js';

const INTERRUPTED = 130;

export interface MeasureDeps {
  brokerOf: BrokerOf;
  /** The device's deadline by its configuration, in ms. */
  deadlineOf: (configFile: string | null) => number;
  /** Makes a report of a finished campaign; returns the exit code. */
  report: (campaign: MeasureOptions) => Promise<number>;
}

/** Measures until every run is done, or Ctrl-C. Returns the exit code. */
export async function runMeasure(asked: MeasureOptions, deps: MeasureDeps): Promise<number> {
  const options = asked.resume ? resumed(asked) : asked;
  const zoo = await loadZoo(options.start.zooDir);
  const images = await campaignImages(zoo, options.data, options.frames, options.seed);
  const facts = campaignFacts(options, zoo);
  if (images.note !== null) process.stderr.write(`note: ${images.note}\n`);
  if (options.resume) assertSameZoo(options, facts.zoo.hash, images);
  else await create(options, facts, images, zoo.manifest.policy.mode);
  const abort = new AbortController();
  void stopSignal(silentLog()).then(() => abort.abort());
  const writer = CampaignWriter.open(campaignFile(options.outDir));
  try {
    const patienceMs = resultPatienceMs(options, deps.deadlineOf);
    const { brokerOf } = deps;
    await runCampaign({ options, brokerOf, patienceMs, images, writer, signal: abort.signal });
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    process.stdout.write(`\nstopped; edgemux measure --resume --out ${options.outDir} goes on\n`);
    return INTERRUPTED;
  } finally {
    writer.close();
  }
  await summary(options.outDir);
  return options.report ? deps.report(options) : EXIT.ok;
}

async function create(
  { outDir, setups, repeats, seed }: MeasureOptions,
  facts: ReturnType<typeof campaignFacts>,
  images: CampaignImages,
  hybridMode: Parameters<typeof setupRow>[1],
): Promise<void> {
  await mkdir(outDir, { recursive: true });
  const writer = CampaignWriter.create(outDir, {
    createdAt: new Date().toISOString(),
    facts,
    setups: setups.map((setup) => setupRow(setup, hybridMode)),
    images: images.rows,
    runs: runOrder(setups, repeats, seed),
  });
  writer.close();
}

/** The options of the campaign in `outDir`. @throws EdgemuxError CAMPAIGN_INVALID where there is none */
function resumed({ outDir, report }: MeasureOptions): MeasureOptions {
  if (!existsSync(campaignFile(outDir))) {
    throw new EdgemuxError(
      'CAMPAIGN_INVALID',
      `there is no campaign in ${outDir} to go on with: leave out --resume`,
    );
  }
  const reader = new CampaignReader(outDir);
  const asked = askedFacts(reader.facts);
  reader.close();
  return { ...asked, outDir, resume: true, report };
}

/** @throws EdgemuxError CAMPAIGN_INVALID where models or images are not those of the campaign any more */
function assertSameZoo({ outDir }: MeasureOptions, hash: string, images: CampaignImages): void {
  const reader = new CampaignReader(outDir);
  const known = reader.images();
  const same = reader.facts.zoo.hash === hash;
  reader.close();
  if (same && known.every(({ sha256 }, i) => images.rows[i]?.sha256 === sha256)) return;
  const what = same ? 'the images' : 'the zoo';
  throw new EdgemuxError(
    'CAMPAIGN_INVALID',
    `${what} changed since ${outDir} was begun: measure anew, elsewhere`,
  );
}

/** Prints the figures of a finished campaign and writes them beside it. */
async function summary(outDir: string): Promise<void> {
  const reader = new CampaignReader(outDir);
  try {
    const found = summarise(reader);
    await writeFile(join(outDir, 'summary.json'), `${JSON.stringify(found, null, 2)}\n`);
    process.stdout.write(`\n${summaryText(found)}\nwritten to ${outDir}: campaign.sqlite, summary.json\n`);
  } finally {
    reader.close();
  }
}
