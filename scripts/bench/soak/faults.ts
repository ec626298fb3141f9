/** The faults of a soak: each breaks something, waits, and mends it. Which one comes, and how bad, a seeded source says. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LineConditions } from '../../../test/support/fault-line.js';
import type { Rig } from '../../../test/faults/support/rig.js';

/** The server that is killed and frozen; the other one lives as long as the soak and is measured. */
export const MORTAL = 's2';

export interface FaultDeps {
  rig: Rig;
  /** Within [0, 1). */
  random: () => number;
  /** Starts another stream of frames beside the usual one, and ends it. */
  flood: (on: boolean) => void;
}

/** Breaks, waits, mends. Returns in a few words what it did. */
export type Fault = (deps: FaultDeps) => Promise<string>;

const MODES = ['three-tier', 'mux', 'cascade', 'cloud-only', 'mobile-only'];

export const FAULTS: Readonly<Record<string, Fault>> = {
  'line cut': async ({ rig }) => {
    rig.line.cut();
    return 'at once';
  },
  'server line cut': async ({ rig }) => {
    rig.serverLine.cut();
    return 'at once';
  },
  'line frozen': async ({ rig, random }) => {
    const s = between(random, 1, 20);
    rig.line.freeze();
    await sleep(s * 1000);
    rig.line.thaw();
    return seconds(s);
  },
  'line at 256 kbit/s': (deps) => during(deps, { bitsPerS: 256_000 }),
  'line late': (deps) => during(deps, { delayMs: between(deps.random, 50, 300) }),
  'line flaky': (deps) => during(deps, { cutShare: 0.05 }),
  'server line corrupt': async ({ rig, random }) => {
    const s = between(random, 2, 10);
    rig.serverLine.be({ corruptShare: 0.05 });
    await sleep(s * 1000);
    rig.serverLine.be({});
    return seconds(s);
  },
  'broker killed': async ({ rig, random }) => {
    const s = between(random, 0.1, 5);
    await behindShutDoors(rig, async () => {
      await rig.broker.kill();
      await sleep(s * 1000);
      await rig.broker.start();
    });
    return `${seconds(s)} away`;
  },
  'broker frozen': async ({ rig, random }) => {
    const s = between(random, 1, 20);
    await behindShutDoors(rig, async () => {
      rig.broker.freeze();
      await sleep(s * 1000);
      rig.broker.thaw();
    });
    return seconds(s);
  },
  'server killed': async ({ rig, random }) => {
    const s = between(random, 1, 10);
    await rig.killServer(MORTAL);
    await sleep(s * 1000);
    await rig.startServer(MORTAL, { wait: false });
    return `${seconds(s)} away`;
  },
  'server frozen': async ({ rig, random }) => {
    const s = between(random, 1, 15);
    rig.servers.get(MORTAL)?.signal('SIGSTOP');
    await sleep(s * 1000);
    rig.servers.get(MORTAL)?.signal('SIGCONT');
    return seconds(s);
  },
  'camera flood': async ({ flood, random }) => {
    const s = between(random, 1, 4);
    flood(true);
    await sleep(s * 1000);
    flood(false);
    return seconds(s);
  },
  'bad images': async ({ rig, random }) => {
    const bad = Array.from({ length: 20 }, () => Buffer.alloc(Math.ceil(random() * 5000), 'JFIF'));
    for (const bytes of bad) rig.watch.publish('cameras/bad/frame', bytes).catch(() => undefined);
    return `${bad.length} of them`;
  },
  'policy change': async ({ rig, random }) => {
    const mode = MODES[Math.floor(random() * MODES.length)] ?? 'mux';
    const topic = 'edgemux/d1/policy/set';
    await rig.watch.publish(topic, JSON.stringify({ mode }), { qos: 1 }).catch(() => undefined);
    return mode;
  },
};

/**
 * New lines wait until cameras and accountant are back: what the device delivers while nobody listens is delivered,
 * by the rules of MQTT, and would look lost.
 */
async function behindShutDoors(rig: Rig, act: () => Promise<void>): Promise<void> {
  rig.line.door('hold');
  rig.serverLine.door('hold');
  await act();
  await sleep(100); // a connection that has just ended may still look alive here
  await rig.watching();
  rig.line.door('open');
  rig.serverLine.door('open');
}

async function during({ rig, random }: FaultDeps, conditions: Partial<LineConditions>): Promise<string> {
  const s = between(random, 5, 15);
  rig.line.be(conditions);
  await sleep(s * 1000);
  rig.line.be({});
  return seconds(s);
}

function between(random: () => number, least: number, most: number): number {
  return least + random() * (most - least);
}

function seconds(s: number): string {
  return `${s.toFixed(1)} s`;
}
