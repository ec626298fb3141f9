/** The journal's files are deleted, moved, replaced or cut under the running device, or their disk hangs. */
import { cpSync, existsSync, readdirSync, renameSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import type { FaultCase } from '../support/play.js';
import type { Rig } from '../support/rig.js';
import { FreezableDisk, withoutFreezing } from '../../support/frozen-disk.js';
import { moreResults, stream, streamFor, until } from './common.js';

const SETTINGS = { policy: { mode: 'mobile-only' }, journal: { commitMs: 500 } };
const RESULTS_WAITING = 40;
type Claim = (holds: boolean, what: string) => void;

/** What the device says of its journal. */
function word(rig: Rig): string {
  const { counters, health } = rig.accountant.state ?? {};
  const { journalsLost = 0, recordsLost = 0, unjournaled = 0, givenUp = {} } = counters ?? {};
  return [
    `files lost ${journalsLost} times, ${recordsLost} records of delivered results gone, ${unjournaled} unjournaled`,
    ...Object.entries(givenUp).map(([cause, results]) => `${results} given up as ${cause}`),
    ...(health?.warnings.filter((warning) => /journal/.test(warning)) ?? []),
  ].join('; ');
}

function lostTimes(rig: Rig): number {
  return rig.accountant.state?.counters.journalsLost ?? 0;
}

/**
 * The files are lost mid-stream; then the device hears of no broker, goes on, and is stopped with what it has: the next
 * run must have all of it.
 */
async function lostMidStream(rig: Rig, claim: Claim, act: () => void): Promise<string> {
  await rig.startAgent();
  stream(rig);
  await moreResults(rig, 60);
  act();
  await until('the device has noticed', () => lostTimes(rig) > 0);
  const said = word(rig);
  claim(
    /files of the journal were lost|lost with the journal's files/.test(said),
    'health says what happened',
  );
  await moreResults(rig, 40);
  await stoppedWithoutBroker(rig, claim);
  claim(existsSync(join(rig.dataDir, 'journal.sqlite')), 'there is a journal');
  return said;
}

/**
 * No broker takes what the device sends; it is stopped, and started when the broker is back: all that it had sent into
 * the void has to come. Its last state is lost with the line, so how many frames it had taken is not known.
 */
async function stoppedWithoutBroker(
  rig: Rig,
  claim: Claim,
  justBefore = (): void => undefined,
): Promise<void> {
  const seen = new Set<string>();
  rig.accountant.onArrival = (frameId) => void seen.add(frameId);
  let sent = '';
  rig.line.swallow((chunk) => void (sent += chunk.toString('latin1')));
  await until('results are on their way to nobody', () => framesIn(sent).length >= RESULTS_WAITING);
  rig.cameras.stop();
  rig.line.door('refuse');
  rig.line.cut();
  rig.line.swallow(null);
  justBefore();
  await rig.stopAgent();
  rig.accountant.nextLife('killed');
  rig.line.door('open');
  await rig.startAgent();
  const waited = framesIn(sent);
  await until('they have come', () => waited.every((frameId) => seen.has(frameId))).catch(() => undefined);
  const lost = waited.filter((frameId) => !seen.has(frameId)).length;
  claim(lost === 0, `of ${waited.length} results that waited ${lost} never came`);
  await streamFor(rig, 1);
}

function framesIn(sent: string): string[] {
  return [...sent.matchAll(/"frameId":"([0-9A-Z]{26})"/g)].map(([, frameId = '']) => frameId);
}

function lostFiles(name: string, what: string, act: (rig: Rig) => void): FaultCase {
  return {
    name,
    what: `${what}, mid-stream; then the broker goes away and the device is stopped`,
    tier: 'full',
    rig: { agent: SETTINGS },
    play: (rig, claim) => lostMidStream(rig, claim, () => act(rig)),
  };
}

/** An older copy of the whole folder comes in its place. */
async function replacedByOlderCopy(rig: Rig, claim: Claim): Promise<string> {
  await rig.startAgent();
  await streamFor(rig, 1);
  await rig.settle();
  const older = `${rig.dataDir}.older`;
  cpSync(rig.dataDir, older, { recursive: true });
  stream(rig);
  await moreResults(rig, 60);
  for (const name of readdirSync(older)) {
    rmSync(join(rig.dataDir, name), { force: true });
    cpSync(join(older, name), join(rig.dataDir, name));
  }
  await until('the device has noticed', () => lostTimes(rig) > 0);
  const said = word(rig);
  await moreResults(rig, 40);
  await stoppedWithoutBroker(rig, claim);
  claim(rig.accountant.redelivered === 0, 'what the older copy knows as undelivered is not sent again');
  return said;
}

async function hangingDisk(rig: Rig, claim: Claim): Promise<string> {
  const disk = new FreezableDisk();
  try {
    rig.options.agent = { ...SETTINGS, dataDir: join(disk.dir, 'data') };
    await rig.startAgent();
    stream(rig);
    await moreResults(rig, 40);
    disk.freeze();
    await until('the device says so', () => /the disk of .* has not answered/.test(word(rig)));
    await moreResults(rig, 200);
    const said = word(rig).replaceAll(disk.dir, '');
    claim((rig.accountant.state?.counters.unjournaled ?? 0) > 0, 'what no file holds is counted');
    disk.thaw();
    await until('the disk answers again', () => !/has not answered/.test(word(rig)));
    await moreResults(rig, 40);
    await rig.settle();
    await rig.stopAgent();
    return said;
  } finally {
    disk.thaw();
    await rig.stopAgent();
    disk.unmount();
  }
}

export const JOURNAL_FILE_CASES: readonly FaultCase[] = [
  lostFiles('journal-deleted', 'the journal and all that belongs to it is deleted', (rig) => {
    for (const name of readdirSync(rig.dataDir)) rmSync(join(rig.dataDir, name));
  }),
  lostFiles('journal-folder-deleted', 'the data folder is deleted', (rig) => {
    rmSync(rig.dataDir, { recursive: true });
  }),
  lostFiles('journal-folder-moved', 'the data folder is moved away', (rig) => {
    renameSync(rig.dataDir, `${rig.dataDir}.old`);
  }),
  lostFiles('journal-log-truncated', "the journal's write-ahead log is cut to nothing", (rig) => {
    truncateSync(join(rig.dataDir, 'journal.sqlite-wal'));
  }),
  {
    name: 'journal-older-copy',
    what: "the journal's files are replaced by older copies mid-stream; then the broker goes away and the device is stopped",
    tier: 'full',
    rig: { agent: SETTINGS },
    play: replacedByOlderCopy,
  },
  {
    name: 'journal-deleted-at-stop',
    what: 'the broker is away, results wait; the data folder is deleted and the device stopped at once',
    tier: 'short',
    rig: { agent: SETTINGS },
    play: async (rig, claim) => {
      await rig.startAgent();
      stream(rig);
      await moreResults(rig, 40);
      await stoppedWithoutBroker(rig, claim, () => rmSync(rig.dataDir, { recursive: true }));
      return undefined;
    },
  },
  {
    name: 'journal-disk-hangs',
    what: "the journal's disk takes nothing for seconds, then goes on",
    tier: 'full',
    needs: withoutFreezing,
    rig: { agent: SETTINGS },
    play: hangingDisk,
  },
];
