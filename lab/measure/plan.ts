/** What a campaign will do: its facts, set-ups and order of runs. Pure. */
import { EdgemuxError } from '../../common/errors.js';
import { seededRandom, shuffled } from '../../common/random.js';
import type { Zoo } from '../../mux/zoo/zoo.js';
import { askedFacts, type MeasureOptions } from './options.js';
import type { CampaignFacts, NotMeasured, SetupName } from './store/facts.js';
import type { ImageRow, RunRow, SetupRow } from './store/rows.js';

/** @throws EdgemuxError ZOO_INVALID where the zoo has no model for a set-up */
export function campaignFacts(options: MeasureOptions, zoo: Zoo): CampaignFacts {
  if (!zoo.local) throw new EdgemuxError('ZOO_INVALID', `zoo ${zoo.name} has no model with the role "local"`);
  const { mux } = zoo.manifest;
  if (!mux?.group && options.setups.some((setup) => setup.startsWith('group-'))) {
    throw new EdgemuxError('ZOO_INVALID', `zoo ${zoo.name} has no group mux: leave out the group set-ups`);
  }
  return {
    ...askedFacts(options),
    zoo: {
      name: zoo.name,
      version: zoo.version,
      hash: zoo.hash,
      labels: [...zoo.labels],
      models: zoo.manifest.models.map(({ id, flops, roles }) => ({ id, flops, roles: [...roles] })),
      local: zoo.local.id,
      largest: zoo.largest.id,
      muxPairFlops: mux?.pair?.flops ?? null,
      muxGroupFlops: mux?.group?.flops ?? null,
    },
    notMeasured: notMeasured(),
  };
}

function notMeasured(): NotMeasured[] {
  return [
    { what: 'energy of the server', why: 'edgemux-cloud reads no power rails' },
    {
      what: 'upload and download by themselves',
      why: 'clocks of two machines are not compared: round trip less residence is their sum, the split is estimated',
    },
  ];
}

/** The policies of device and server in a set-up. */
export function setupRow(setup: SetupName, hybridMode: SetupRow['deviceMode']): SetupRow {
  const rows: Record<SetupName, Omit<SetupRow, 'setup'>> = {
    'mobile-only': { deviceMode: 'mobile-only', serverMode: null },
    'cloud-only': { deviceMode: 'cloud-only', serverMode: 'largest' },
    hybrid: { deviceMode: hybridMode, serverMode: 'largest' },
    'group-single': { deviceMode: 'cloud-only', serverMode: 'single' },
    'group-ensemble': { deviceMode: 'cloud-only', serverMode: 'ensemble' },
  };
  return { setup, ...rows[setup] };
}

/** Every repeat is a block of all set-ups in an order of its own, so that drifts hit all of them alike. */
export function runOrder(
  setups: readonly SetupName[],
  repeats: number,
  seed: number,
): Pick<RunRow, 'setup' | 'repeat' | 'position'>[] {
  const random = seededRandom(seed);
  const order = Array.from({ length: repeats }, (_, r) =>
    shuffled(setups, random).map((setup) => ({ setup, repeat: r + 1 })),
  );
  return order.flat().map((run, i) => ({ ...run, position: i + 1 }));
}

/** The frames of a repeat: the same order for all set-ups, another one each repeat. */
export function frameOrder(images: readonly ImageRow[], repeat: number, seed: number): ImageRow[] {
  return shuffled(images, seededRandom((seed + 7919 * repeat) >>> 0));
}
