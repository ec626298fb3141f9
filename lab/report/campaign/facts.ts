/** What surrounds a campaign: circumstances, what is simulated, and what could not be measured. */
import type { CampaignReader } from '../../measure/store/reader.js';
import type { LinkProfile, PlatformFacts } from '../../measure/store/facts.js';
import type { SessionRow } from '../../measure/store/rows.js';
import type { Fact } from '../document.js';
import { grouped, NONE } from '../numbers.js';
import { linkBadges } from './latency.js';

export function simulatedIn(campaign: CampaignReader): string[] {
  const rails = campaign.rails().filter(({ simulated }) => simulated);
  const { link } = campaign.facts;
  return [
    ...(rails.length > 0
      ? [
          `power rails ${rails.map(({ rail }) => rail).join(', ')}: every energy and power that comes from them`,
        ]
      : []),
    ...(linkBadges(link).length > 0
      ? [`the link to the server: shaped as ${link.name} (${linkText(link)})`]
      : []),
  ];
}

export function factsOf(campaign: CampaignReader): Fact[] {
  const { facts, createdAt } = campaign;
  const sessions = campaign.sessions();
  const last = sessions.at(-1);
  const gaps = campaign.runs().flatMap(({ run }) => campaign.gaps(run));
  const gapMs = gaps.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
  const { zoo } = facts;
  return [
    { name: 'campaign', value: `${campaign.file}, ${createdAt}` },
    {
      name: 'zoo',
      value: `${zoo.name} ${zoo.version}, manifest ${zoo.hash.slice(0, 12)}…; local ${zoo.local}, largest ${zoo.largest}`,
    },
    {
      name: 'frames',
      value:
        `${grouped(facts.frames)} a run, ${facts.repeats} runs a set-up, ${facts.warmUpFrames} to warm up (not counted), ` +
        `${facts.ratePerS === null ? 'the next when the last has its result' : `${facts.ratePerS} a second`}; data ${facts.data}, seed ${facts.seed}`,
    },
    { name: 'link', value: `${facts.link.name}: ${linkText(facts.link)}. ${facts.link.source}` },
    ...(last ? sessionFacts(last) : []),
    ...(sessions.length > 1
      ? [{ name: 'sessions', value: `${sessions.length}: the campaign was resumed; the last one is shown` }]
      : []),
    {
      name: 'gaps in the power samples',
      value: gaps.length === 0 ? 'none' : `${gaps.length}, ${(gapMs / 1000).toFixed(2)} s together`,
    },
  ];
}

function sessionFacts({
  edgemux,
  device,
  server,
  measuredLink,
  platform,
  host,
  broker,
  startedAt,
}: SessionRow): Fact[] {
  return [
    { name: 'measured by', value: `edgemux ${edgemux}, ${startedAt}, broker ${broker}` },
    {
      name: 'device',
      value: `execution provider ${device.provider} (proved by runs); policy of the hybrid ${JSON.stringify(device.policy)}`,
    },
    ...(device.warnings.length > 0
      ? [{ name: 'warnings of the device', value: device.warnings.join('; ') }]
      : []),
    {
      name: 'server',
      value: server
        ? `${server.name}, edgemux ${server.version}, execution provider ${server.provider}, models ${server.models.join(', ')}`
        : 'none showed itself',
    },
    {
      name: 'link as measured',
      value: measuredLink
        ? `round trip ${measuredLink.rttMs.toFixed(2)} ms, up ${rate(measuredLink.uplinkMbitS)}, down ` +
          `${rate(measuredLink.downlinkMbitS)}, ${measuredLink.tries} tries of ${grouped(measuredLink.payloadBytes)} bytes`
        : 'not tried out',
    },
    ...machineFacts(platform, host),
  ];
}

function machineFacts(platform: PlatformFacts, host: Record<string, unknown>): Fact[] {
  return [
    { name: 'power mode and clocks', value: platformText(platform) },
    {
      name: 'machine',
      value:
        Object.entries(host)
          .map(([name, value]) => `${name} ${String(value)}`)
          .join(', ') || NONE,
    },
  ];
}

function platformText({ powerMode, governors, cpuMHz, gpuMHz, board }: PlatformFacts): string {
  const parts = [
    board,
    powerMode && `power mode ${powerMode}`,
    governors.length > 0 ? `governor ${governors.join(', ')}` : null,
    cpuMHz && `CPU ${cpuMHz.min} to ${cpuMHz.max} MHz`,
    gpuMHz && `GPU ${gpuMHz} MHz`,
  ].filter((part) => part !== null && part !== '' && part !== 0);
  return parts.join(', ') || 'the kernel and nvpmodel tell nothing here';
}

/** Too quick to be told from the round trip: null. */
function rate(mbitS: number | null): string {
  return mbitS === null ? 'too quick to tell' : `${mbitS.toFixed(0)} Mbit/s`;
}

export function linkText({ uplinkMbitS, downlinkMbitS, rttMs, jitterMs }: LinkProfile): string {
  const limit = (value: number | null): string => (value === null ? 'unlimited' : `${value} Mbit/s`);
  return `up ${limit(uplinkMbitS)}, down ${limit(downlinkMbitS)}, ${rttMs} ms added, jitter ${jitterMs} ms`;
}
