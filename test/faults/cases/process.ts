/** The device's process is killed or stopped, its clock jumps, its model's file changes. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../../support/broker.js';
import { loadZoo } from '../../../mux/zoo/zoo.js';
import type { FaultCase } from '../support/play.js';
import type { Rig } from '../support/rig.js';
import { bothUp, moreResults, results, sleep, stream, until } from './common.js';

const HOUR_S = 3600;
const LIBRARIES = ['x86_64', 'aarch64'].map((cpu) => `/usr/lib/${cpu}-linux-gnu/faketime/libfaketime.so.1`);

function withoutFaketime(): false | string {
  if (findProgram('faketime') && LIBRARIES.some(existsSync)) return false;
  return 'faketime is not installed (Debian package faketime)';
}

/** The process's wall clock follows a file; its monotonic clock stays what it is, as with a clock that is set. */
function clockFrom(file: string): NodeJS.ProcessEnv {
  writeFileSync(file, '+0');
  return {
    LD_PRELOAD: LIBRARIES.find(existsSync),
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    DONT_FAKE_MONOTONIC: '1',
  };
}

function clockJump(name: string, what: string, seconds: number): FaultCase {
  return {
    name,
    what,
    tier: 'full',
    needs: withoutFaketime,
    play: async (rig, claim) => {
      const file = join(rig.folder, 'clock');
      rig.options.child = { env: clockFrom(file) };
      let offS = 0;
      rig.accountant.onResult = ({ capturedAt }) => (offS = (Date.parse(capturedAt) - Date.now()) / 1000);
      await bothUp(rig);
      stream(rig);
      await moreResults(rig, 80);
      claim(Math.abs(offS) < 60, `before the jump the clock is right (off by ${offS.toFixed(0)} s)`);
      writeFileSync(file, `${seconds > 0 ? '+' : ''}${seconds}`);
      await until('the device lives in another hour', () => Math.abs(offS - seconds) < 60, 20_000);
      await moreResults(rig, 120);
      rig.line.cut(); // what is timed by a wall clock would show here
      await moreResults(rig, 40);
      await rig.settle();
      return `dates of results off by ${offS.toFixed(0)} s after the jump`;
    },
  };
}

/** Results that the device has sent into a line that delivers nothing, by frame id. */
function resultsIn(bytes: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [text, frameId = ''] of bytes.matchAll(
    /\{"device":"d1","camera":[^\n]*?"frameId":"([0-9A-Z]{26})"[^\n]*?"bytesDown":\d+[^}]*\}/g,
  )) {
    found.set(frameId, text);
  }
  return found;
}

async function killMidStream(rig: Rig, claim: (holds: boolean, what: string) => void): Promise<string> {
  const seen = new Map<string, string>();
  rig.accountant.onArrival = (frameId, payload) => void seen.set(frameId, Buffer.from(payload).toString());
  await bothUp(rig);
  stream(rig);
  await moreResults(rig, 60);
  let sent = '';
  rig.line.swallow((chunk) => void (sent += chunk.toString('latin1')));
  await until('results are on their way', () => resultsIn(sent).size >= 20);
  await rig.killAgent();
  rig.cameras.stop();
  rig.line.swallow(null);
  const undelivered = resultsIn(sent);
  const before = [...undelivered.keys()].filter((frameId) => seen.has(frameId)).length;
  claim(before === 0, `${before} of the swallowed results had been delivered`);
  await rig.startAgent();
  const delivered = (): number => [...undelivered].filter(([id, text]) => seen.get(id) === text).length;
  await until('all are delivered', () => delivered() === undelivered.size, 20_000).catch(() => undefined);
  claim(
    delivered() === undelivered.size,
    `${delivered()} of ${undelivered.size} journaled results come again with the same bytes`,
  );
  claim(rig.accountant.state?.counters.uncleanRestarts === 1, 'the state counts the unclean restart');
  claim(/did not stop/.test(rig.accountant.state?.health.warnings.join() ?? ''), 'the health warns of it');
  stream(rig);
  await moreResults(rig, 40);
  await rig.settle();
  return `${delivered()} of ${undelivered.size} results, sent into the dead line and journaled, came after the restart with the same frame id and bytes`;
}

export const PROCESS_CASES: readonly FaultCase[] = [
  {
    name: 'agent-killed',
    what: 'device killed (SIGKILL) mid-stream with its line dead, and started again',
    tier: 'short',
    play: killMidStream,
  },
  {
    name: 'agent-stopped',
    what: 'device stopped (SIGTERM) with frames in flight, and started again',
    tier: 'full',
    rig: { agent: { policy: { mode: 'cloud-only' } } },
    play: async (rig, claim) => {
      await bothUp(rig);
      stream(rig, 100);
      await moreResults(rig, 60);
      const startMs = performance.now();
      const code = await rig.stopAgent();
      const tookMs = performance.now() - startMs;
      claim(code === 0, `it ends with exit code ${code}`);
      claim(tookMs < 6000, `it ends within 6 s (${tookMs.toFixed(0)} ms)`);
      await sleep(300);
      rig.accountant.nextLife('stopped');
      await rig.startAgent();
      await moreResults(rig, 60);
      claim(rig.accountant.state?.counters.uncleanRestarts === 0, 'no unclean restart is counted');
      return `stopped within ${tookMs.toFixed(0)} ms`;
    },
  },
  clockJump('clock-forward', "the device's clock jumps an hour ahead", HOUR_S),
  clockJump('clock-back', "the device's clock jumps an hour back", -HOUR_S),
  {
    name: 'model-file-changed',
    what: "the local model's file is overwritten under the running device",
    tier: 'full',
    rig: { ownZoo: true, agent: { policy: { mode: 'mobile-only' } } },
    play: async (rig, claim) => {
      const hashes = new Set<string>();
      rig.accountant.onState = ({ zoo }) => void hashes.add(zoo.hash);
      const labels = new Map<number, Set<string>>();
      rig.accountant.onResult = ({ label }, image) => {
        const picture = image % 64;
        labels.set(picture, (labels.get(picture) ?? new Set()).add(label));
      };
      await rig.startAgent();
      stream(rig, 60);
      await until('each picture has been seen', () => results(rig) >= 100);
      const zoo = await loadZoo(rig.zoo);
      const file = zoo.path(zoo.local?.file ?? '');
      writeFileSync(file, Buffer.alloc(readFileSync(file).length, 0x5a));
      await moreResults(rig, 200);
      await rig.settle();
      const changed = [...labels.values()].filter((set) => set.size > 1).length;
      claim(changed === 0, `${changed} of ${labels.size} pictures got another label`);
      claim(hashes.size === 1, 'the device stays with the zoo it has loaded');
      return `${labels.size} pictures keep their labels`;
    },
  },
  {
    name: 'server-zoo-changed',
    what: 'the zoo of the running server is exchanged for another version',
    tier: 'full',
    rig: { ownZoo: true, agent: { policy: { mode: 'cloud-only' } }, server: { reload: { checkS: 1 } } },
    play: async (rig, claim) => {
      await rig.startAgent();
      await rig.startServer('s1', { zoo: rig.zoo });
      stream(rig);
      await moreResults(rig, 40);
      const manifest = join(rig.zoo, 'manifest.json');
      const changed = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
      writeFileSync(manifest, JSON.stringify({ ...changed, version: `${changed.version}-next` }));
      await rig.served('s1', false);
      await moreResults(rig, 40);
      await rig.settle();
      claim((rig.accountant.routes['fallback'] ?? 0) >= 30, 'the device answers itself');
      return 'a server with another zoo is not asked';
    },
  },
];
