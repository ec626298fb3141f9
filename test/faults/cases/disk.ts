/** The journal's disk is full or read-only, or its file is no journal any more. */
import { existsSync, openSync, readdirSync, statSync, writeFileSync, writeSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import type { Claim, FaultCase } from '../support/play.js';
import type { Rig } from '../support/rig.js';
import { onSmallDisk, withoutNamespaces } from '../support/small-disk.js';
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

/** A device that cannot use its journal works without it or says at once why it does not start. */
async function unusableAtStart(rig: Rig, claim: Claim, wrapper: string[] = []): Promise<string> {
  const agent = await rig.startAgent({ wait: false, wrapper });
  const ended = { code: undefined as number | null | undefined };
  void agent.exit.then((code) => (ended.code = code));
  await until('it works, or has given up', () => ended.code !== undefined || rig.accountant.state !== null);
  if (ended.code !== undefined) {
    claim(/JOURNAL_FAILED/.test(agent.log()), 'it says that it is the journal');
    rig.agent = null;
    return `it does not start: ${(/^error.*$/m.exec(agent.log()) ?? ['?'])[0].slice(0, 160)}`;
  }
  await streamFor(rig, 3);
  await rig.settle();
  return warnings(rig);
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
      await until('the state says that the disk is full', () => /journal|disk/i.test(warnings(rig)));
      const said = warnings(rig);
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
    noResults: true,
    rig: { agent: MOBILE_ONLY },
    play: (rig, claim) => unusableAtStart(rig, claim, onSmallDisk(rig.dataDir, DISK_KIB, { readOnly: true })),
  },
  {
    name: 'journal-no-journal',
    what: 'the journal is a file of nonsense when the device starts',
    tier: 'full',
    noResults: true,
    rig: { agent: MOBILE_ONLY },
    play: (rig, claim) => {
      writeFileSync(join(rig.dataDir, 'journal.sqlite'), Buffer.alloc(40_960, 'nonsense'));
      return unusableAtStart(rig, claim);
    },
  },
  {
    name: 'journal-corrupted-stopped',
    what: 'pages of the journal are overwritten between two starts',
    tier: 'full',
    rig: { agent: MOBILE_ONLY },
    play: async (rig, claim) => {
      await rig.startAgent();
      await streamFor(rig, 4);
      await rig.settle();
      await rig.stopAgent();
      rig.accountant.nextLife('stopped');
      const file = join(rig.dataDir, 'journal.sqlite');
      const { size } = statSync(file);
      overwrite(file, Math.floor(size / 3), Math.floor(size / 3));
      return unusableAtStart(rig, claim);
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
      return warnings(rig);
    },
  },
];
