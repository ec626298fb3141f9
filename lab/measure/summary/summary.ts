/** The figures of a campaign, from its rows and from nothing else. */
import { mean, percentile, standardDeviation, wilsonInterval } from '../../../common/statistics.js';
import { energySummary } from './energy-summary.js';
import { groupFormulas, pairFormulas } from './formulas.js';
import { uploadShare } from './network-split.js';
import type { MeasuredLink } from '../store/facts.js';
import type { CampaignReader } from '../store/reader.js';
import type { FrameRow, RunRow, SetupRow } from '../store/rows.js';
import type { CampaignSummary, LatencyStages, SetupSummary, Spread, TableRow } from './summary-types.js';

/** Set-ups without a finished run are left out. */
export function summarise(reader: CampaignReader): CampaignSummary {
  const { facts } = reader;
  const runs = reader.runs();
  const done = runs.filter(({ status }) => status === 'done');
  const sessions = reader.sessions();
  const measuredLinks = sessions.flatMap(({ measuredLink }) => measuredLink ?? []);
  const setups = reader
    .setups()
    .filter(({ setup }) => done.some((run) => run.setup === setup))
    .map((setup) => setupSummary(reader, setup, done, measuredLinks.at(-1) ?? null));
  const { name, version, hash } = facts.zoo;
  return {
    createdAt: reader.createdAt,
    zoo: { name, version, hash },
    providers: [...new Set(sessions.map(({ device }) => device.provider))],
    link: facts.link,
    measuredLinks,
    simulated: reader.rails().some(({ simulated }) => simulated),
    setups,
    tableI: setups.map(tableRow),
    formulas: [
      ...pairFormulas(setups, facts.zoo),
      ...groupFormulas(setups, facts.zoo, reader.framesOf('group-single')),
    ],
    notMeasured: facts.notMeasured,
    runs: { planned: runs.length, done: done.length },
  };
}

function setupSummary(
  reader: CampaignReader,
  { setup }: SetupRow,
  done: readonly RunRow[],
  link: MeasuredLink | null,
): SetupSummary {
  const runs = done.filter((run) => run.setup === setup).sort((a, b) => a.repeat - b.repeat);
  const frames = reader.framesOf(setup);
  const results = frames.filter(({ outcome }) => outcome === 'result');
  const byRun = runs.map(({ run }) => frames.filter((frame) => frame.run === run));
  const exchanges = results.flatMap((frame) =>
    frame.route === 'cloud' ? [{ ...frame, networkMs: frame.networkMs ?? 0 }] : [],
  );
  const share = uploadShare(exchanges, link);
  const perFrame = (value: (frame: FrameRow) => number): number => mean(frames.map(value));
  return {
    setup,
    runs: runs.length,
    frames: frames.length,
    missing: frames.length - results.length,
    drops: sums(runs.map(({ drops }) => drops)),
    routes: counts(results.map(({ route }) => route ?? '')),
    accuracy: accuracyOf(frames),
    localShare: mean(results.map(({ route }) => Number(route !== 'cloud'))),
    fallbackShare: mean(results.map(({ route }) => Number(route === 'fallback'))),
    flops: flopsOf(frames),
    latencyMs: latencies(results, share ?? 0),
    uploadShare: share,
    uploadBytes: perFrame(({ uploadBytes }) => uploadBytes),
    downloadBytes: perFrame(({ downloadBytes }) => downloadBytes),
    energy: energySummary(reader, runs, frames),
    called: calledShares(results),
    spread: {
      accuracy: spread(byRun, ({ correct }) => Number(correct)),
      latencyMs: spread(byRun, ({ totalMs }) => totalMs),
      energyGrossJ: spread(byRun, ({ energyGrossJ }) => energyGrossJ),
      energyNetJ: spread(byRun, ({ energyNetJ }) => energyNetJ),
    },
  };
}

function flopsOf(frames: readonly FrameRow[]): SetupSummary['flops'] {
  return {
    device: mean(frames.map(({ deviceFlops }) => deviceFlops)),
    server: mean(frames.map(({ serverFlops }) => serverFlops)),
    total: mean(frames.map(({ deviceFlops, serverFlops }) => deviceFlops + serverFlops)),
  };
}

/** The same image in another repeat is no further evidence: the interval counts images. */
function accuracyOf(frames: readonly FrameRow[]): SetupSummary['accuracy'] {
  const value = mean(frames.map(({ correct }) => Number(correct)));
  const images = new Set(frames.map(({ imageIndex }) => imageIndex)).size;
  return { value, ...wilsonInterval(value, images), images };
}

function latencies(results: readonly FrameRow[], share: number): SetupSummary['latencyMs'] {
  const totals = results.map(({ totalMs }) => totalMs ?? 0);
  const of = (value: (frame: FrameRow) => number | null): number =>
    mean(results.map((row) => value(row) ?? 0));
  const networkMs = of(({ networkMs }) => networkMs);
  const known = {
    queue: of(({ queueMs }) => queueMs),
    decode: of(({ decodeMs }) => decodeMs),
    mux: of(({ muxMs }) => muxMs),
    local: of(({ localMs }) => localMs),
    encode: of(({ encodeMs }) => encodeMs),
    upload: networkMs * share,
    cloud: of(({ cloudMs }) => cloudMs),
    download: networkMs * (1 - share),
  };
  const sum = Object.values(known).reduce((total, ms) => total + ms, 0);
  const stages: LatencyStages = { ...known, other: mean(totals) - sum };
  const at = (rank: number): number => percentile(totals, rank);
  return { mean: mean(totals), p50: at(0.5), p95: at(0.95), p99: at(0.99), stages };
}

function tableRow({ setup, flops, latencyMs, energy, localShare, accuracy }: SetupSummary): TableRow {
  return {
    setup,
    flops: flops.total,
    latencyMs: latencyMs.mean,
    mobileEnergyGrossJ: energy?.frame?.grossJ ?? null,
    mobileEnergyNetJ: energy?.frame?.netJ ?? null,
    localShare,
    accuracy: accuracy.value,
  };
}

function calledShares(results: readonly FrameRow[]): Record<string, number> {
  const called = counts(results.flatMap(({ models }) => [...new Set(models)]));
  return Object.fromEntries(Object.entries(called).map(([id, n]) => [id, n / results.length]));
}

/** The mean of each repeat; null with fewer than two, or where one has no value. */
function spread(byRun: readonly FrameRow[][], value: (frame: FrameRow) => number | null): Spread | null {
  const means = byRun.map((frames) => mean(frames.flatMap((frame) => value(frame) ?? [])));
  if (means.length < 2 || means.some(Number.isNaN)) return null;
  return {
    mean: mean(means),
    sd: standardDeviation(means),
    min: Math.min(...means),
    max: Math.max(...means),
    repeats: means.length,
  };
}

function counts(names: readonly string[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const name of names) found[name] = (found[name] ?? 0) + 1;
  return found;
}

function sums(records: readonly Record<string, number>[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [name, n] of records.flatMap((record) => Object.entries(record)))
    found[name] = (found[name] ?? 0) + n;
  return found;
}
