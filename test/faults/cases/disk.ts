/** The journal's disk is full or read-only, or its file is no journal any more. */
import { existsSync, openSync, readdirSync, statSync, writeFileSync, writeSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import type { FaultCase } from '../support/play.js';
import type { Rig } from '../support/rig.js';
import { onSmallDisk, withoutNamespaces } from '../../support/small-disk.js';
import { moreResults, stream, streamFor, until } from './common.js';

const MOBILE_ONLY = { policy: { mode: 'mobile-only' } };
const DISK_KIB = 600;

function warnings(rig: Rig): string {
  return rig.accountant.state?.health.warnings.join('; ') ?? '';
}

function overwrite(file: string, from: number, bytes: number): void {
  const handle = openSync(file, 'r+');
  writeSync(handle, Buffer.alloc(bytes, 0x5a), 0, bytes, from);
  closeSync(handle);
}

/** A device whose journal is unusable when it starts works all the same. */
async function unusableAtStart(rig: Rig, wrapper: string[] = []): Promise<string> {
  await rig.startAgent({ wrapper });
  await streamFor(rig, 3);
  await rig.settle();
  return journalWord(rig);
}

/** What the device says of its journal. */
function journalWord(rig: Rig): string {
  const { journalErrors = 0, journalsSetAside = 0 } = rig.accountant.state?.counters ?? {};
  const said = rig.accountant.state?.health.warnings.filter((warning) => /journal/.test(warning)) ?? [];
  return [`${journalErrors} journal errors, ${journalsSetAside} journals set aside`, ...said].join('; ');
}

export const DISK_CASES: readonly FaultCase[] = [
  {
    name: 'journal-disk-full',
    what: `the journal's disk of ${DISK_KIB} KiB fills up mid-stream`,
    tier: 'full',
    needs: withoutNamespaces,
    rig: { agent: MOBILE_ONLY },
    play: async (rig, claim) => {
      await rig.startAgent({ wrapper: onSmallDisk(rig.dataDir, DISK_KIB) });
      stream(rig, 80);
      await until('the state says that the disk is full', () => /disk/i.test(warnings(rig)));
      const said = journalWord(rig);
      await moreResults(rig, 100);
      await rig.settle();
      claim(rig.accountant.redelivered === 0, 'nothing is sent twice for want of a mark');
      return said;
    },
  },
  {
    name: 'journal-read-only',
    what: "the journal's disk is read-only when the device starts",
    tier: 'full',
    needs: withoutNamespaces,
    rig: { agent: MOBILE_ONLY },
    play: async (rig, claim) => {
      const word = await unusableAtStart(rig, onSmallDisk(rig.dataDir, DISK_KIB, { readOnly: true }));
      claim((rig.accountant.state?.counters.journalErrors ?? 0) > 0, 'the failing journal is counted');
      claim(/journal/.test(warnings(rig)), 'the state says that the journal fails');
      return word;
    },
  },
  {
    name: 'journal-no-journal',
    what: 'the journal is a file of nonsense when the device starts',
    tier: 'full',
    rig: { agent: MOBILE_ONLY },
    play: async (rig, claim) => {
      writeFileSync(join(rig.dataDir, 'journal.sqlite'), Buffer.alloc(40_960, 'nonsense'));
      const word = await unusableAtStart(rig);
      claim(rig.accountant.state?.counters.journalsSetAside === 1, 'the file is set aside and counted');
      claim(
        readdirSync(rig.dataDir).some((name) => name.includes('damaged')),
        'the file is kept',
      );
      return word;
    },
  },
  {
    name: 'journal-corrupted-stopped',
    what: 'pages of the journal are overwritten between two starts',
    tier: 'full',
    rig: { agent: MOBILE_ONLY },
    play: async (rig) => {
      await rig.startAgent();
      await streamFor(rig, 4);
      await rig.settle();
      await rig.stopAgent();
      rig.accountant.nextLife('stopped');
      const file = join(rig.dataDir, 'journal.sqlite');
      const { size } = statSync(file);
      overwrite(file, Math.floor(size / 3), Math.floor(size / 3));
      return unusableAtStart(rig);
    },
  },
  {
    name: 'journal-corrupted-running',
    what: 'the journal and its log are overwritten under the running device',
    tier: 'full',
    rig: { agent: MOBILE_ONLY },
    play: async (rig) => {
      await rig.startAgent();
      stream(rig);
      await moreResults(rig, 60);
      for (const name of readdirSync(rig.dataDir).filter((one) => /\.sqlite(-wal)?$/.test(one))) {
        const file = join(rig.dataDir, name);
        if (existsSync(file) && statSync(file).size > 8192) overwrite(file, 4096, statSync(file).size - 4096);
      }
      await moreResults(rig, 100);
      await rig.settle();
      return journalWord(rig);
    },
  },
];
