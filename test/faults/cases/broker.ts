/** The broker dies, freezes, is not there yet, or says things that are no longer true. */
import type { FaultCase } from '../support/play.js';
import { DEVICE, type Rig } from '../support/rig.js';
import { bothUp, moreResults, sleep, stream, streamFor, until } from './common.js';

const STATUS = `edgemux/${DEVICE}/status`;
const FROZEN_S = 45;

/** New lines of device and server wait until cameras and accountant listen again. */
async function whileWatchersAreAway(
  rig: Rig,
  door: 'hold' | 'refuse',
  act: () => Promise<void>,
): Promise<void> {
  rig.line.door(door);
  rig.serverLine.door(door);
  await act();
  await sleep(100);
  await rig.watching();
  rig.line.door('open');
  rig.serverLine.door('open');
}

async function killAndRestart(rig: Rig): Promise<undefined> {
  await bothUp(rig);
  stream(rig);
  await moreResults(rig, 40);
  await whileWatchersAreAway(rig, 'refuse', async () => {
    await rig.broker.kill();
    await sleep(3000);
    await rig.broker.start();
  });
  await moreResults(rig, 40);
  await rig.served('s1');
  return undefined;
}

export const BROKER_CASES: readonly FaultCase[] = [
  {
    name: 'broker-killed',
    what: 'broker killed mid-stream, back after 3 s with nothing remembered',
    tier: 'short',
    play: killAndRestart,
  },
  {
    name: 'broker-killed-persistent',
    what: 'broker killed mid-stream, back after 3 s with what it had saved',
    tier: 'full',
    rig: { persistence: true },
    play: killAndRestart,
  },
  {
    name: 'broker-frozen',
    what: `broker process frozen for ${FROZEN_S} s`,
    tier: 'full',
    play: async (rig) => {
      await bothUp(rig);
      stream(rig);
      await moreResults(rig, 40);
      await whileWatchersAreAway(rig, 'hold', async () => {
        rig.broker.freeze();
        await sleep(FROZEN_S * 1000);
        rig.broker.thaw();
      });
      await moreResults(rig, 40);
      return undefined;
    },
  },
  {
    name: 'broker-down-at-start',
    what: 'broker down when the device starts, there 5 s later',
    tier: 'full',
    play: async (rig, claim) => {
      await whileWatchersAreAway(rig, 'refuse', async () => {
        await rig.broker.kill();
        await rig.startAgent({ wait: false });
        await sleep(5000);
        claim(!/error|fatal/i.test(exitWord(rig)), 'the device waits for the broker');
        await rig.broker.start();
      });
      await until('the device says how it is', () => rig.accountant.state !== null);
      await streamFor(rig, 3);
      return undefined;
    },
  },
  {
    name: 'stale-will-device',
    what: "the device's old line is dead without a word; after its takeover the broker publishes the old `offline`",
    tier: 'full',
    rig: { agent: { broker: { keepaliveS: 2 } } },
    play: async (rig, claim) => {
      await bothUp(rig);
      stream(rig);
      await moreResults(rig, 20);
      const lines = rig.line.opened;
      rig.line.strand();
      await until('the device makes a new line', () => rig.line.opened > lines);
      await moreResults(rig, 40);
      await rig.watch.publish(STATUS, 'offline', { qos: 1, retain: true }); // later still, as from a slow broker
      await until('the word is put right', () => rig.statuses.get(STATUS) === 'online', 10_000);
      claim(rig.statuses.get(STATUS) === 'online', 'the retained status is `online` in the end');
      return undefined;
    },
  },
  {
    name: 'stale-will-server',
    what: "the same with the server's line: the device may not believe it gone for long",
    tier: 'full',
    rig: { server: { broker: { keepaliveS: 2 } }, agent: { policy: { mode: 'cloud-only' } } },
    play: async (rig, claim) => {
      await bothUp(rig);
      stream(rig);
      await moreResults(rig, 20);
      const lines = rig.serverLine.opened;
      rig.serverLine.strand();
      await until('the server makes a new line', () => rig.serverLine.opened > lines);
      await rig.watch.publish('edgemux/cloud/s1/status', '{"state":"offline"}', { qos: 1, retain: true });
      await rig.served('s1');
      const before = rig.accountant.routes['cloud'] ?? 0;
      await until('it answers again', () => (rig.accountant.routes['cloud'] ?? 0) > before + 20);
      claim((rig.accountant.routes['cloud'] ?? 0) > before, 'the server is asked again');
      return undefined;
    },
  },
];

/** What the device said of a failed start, where it gave up. */
function exitWord(rig: Rig): string {
  return (/^error.*$/m.exec(rig.agent?.log() ?? '') ?? [''])[0];
}
