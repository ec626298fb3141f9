/** Thieves of requests, forgers, liars, ghosts and old programs, on a broker that lets everybody do everything. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DeviceState } from '../../../protocol/messages.js';
import { FakeServer } from '../support/fake-server.js';
import type { Claim, FaultCase } from '../support/play.js';
import { DEVICE, type Rig } from '../support/rig.js';
import { bothUp, counter, moreOf, sleep, stream, until } from './common.js';

/** A deadline that a loaded machine keeps: what falls back here was not answered at all. */
const PATIENT = { policy: { mode: 'cloud-only' }, offload: { deadlineMs: 5000 } };
const SHARED = { ...PATIENT, offload: { ...PATIENT.offload, deadlineMs: 1000, share: true } };
const FRAMES = 60;
const RATE = 10;

type Seen = DeviceState['servers'][number];

const serverOf = (rig: Rig, name: string): Seen | undefined =>
  rig.accountant.state?.servers.find(({ server }) => server === name);
const failuresOf = (rig: Rig, name: string): number => serverOf(rig, name)?.offload?.failures ?? 0;
const answersOf = (rig: Rig, name: string): number => serverOf(rig, name)?.offload?.answers ?? 0;
const routeOf = (rig: Rig, route: string): number => rig.accountant.routes[route] ?? 0;
const says = (rig: Rig, pattern: RegExp): boolean =>
  rig.accountant.state?.health.warnings.some((text) => pattern.test(text)) === true;

/** Collects which servers' answers become results. */
function answerers(rig: Rig): Set<string> {
  const names = new Set<string>();
  rig.accountant.onResult = ({ server }) => {
    if (server !== undefined) names.add(server);
  };
  return names;
}

/** At most so many frames were answered by the device where a server was there all the time. */
function claimAnswered(rig: Rig, claim: Claim, mostFallbacks: number): string {
  const [cloud, fallback] = [routeOf(rig, 'cloud'), routeOf(rig, 'fallback')];
  claim(fallback <= mostFallbacks, `${fallback} frames fell back, ${mostFallbacks} may`);
  return `${cloud} of ${cloud + fallback} frames answered by a server`;
}

const THEFT: readonly FaultCase[] = [
  {
    name: 'requests-stolen',
    what: 'somebody subscribes to the requests of a server, as itself and in a group',
    tier: 'short',
    rig: { agent: PATIENT },
    play: async (rig, claim) => {
      let seen = 0;
      for (const group of ['edgemux', 'x'])
        for (const filter of ['s1/+/+/+/+', 'fashion-mnist/+/+/+', '#'])
          await rig.watch.subscribe(
            `$share/${group}/edgemux/offload/${filter}`,
            { qos: 0 },
            () => void (seen += 1),
          );
      await bothUp(rig);
      stream(rig, RATE);
      await moreOf(rig, 'cloud', FRAMES);
      claim(seen > 0, 'the thief hears them, on a broker without rights');
      return claimAnswered(rig, claim, 0);
    },
  },
  {
    name: 'group-stolen',
    what: 'somebody subscribes to a group of servers whose name can be guessed',
    tier: 'full',
    rig: { agent: SHARED, server: { share: { enabled: true } } },
    play: async (rig, claim) => {
      await bothUp(rig);
      await rig.watch.subscribe(
        '$share/edgemux/edgemux/offload/any/fashion-mnist/+/+/+',
        { qos: 0 },
        () => undefined,
      );
      stream(rig, RATE);
      await until('the theft is noticed', () => says(rig, /arrived at none of them/));
      const before = routeOf(rig, 'fallback');
      await moreOf(rig, 'cloud', FRAMES);
      await sleep(1000);
      const after = routeOf(rig, 'fallback') - before;
      claim(after <= 20, `${after} frames fell back after it was noticed: those under way`);
      return `noticed after ${before} frames that the device answered itself`;
    },
  },
  {
    name: 'group-secret',
    what: 'somebody guesses the name of a group that has a secret part',
    tier: 'full',
    rig: { agent: { ...SHARED, offload: { ...SHARED.offload, deadlineMs: 5000 } } },
    play: async (rig, claim) => {
      const secretFile = join(rig.folder, 'share-secret');
      writeFileSync(secretFile, randomBytes(16).toString('hex'), { mode: 0o600 });
      rig.options.server = { share: { enabled: true, secretFile } };
      let stolen = 0;
      await rig.watch.subscribe(
        '$share/edgemux/edgemux/offload/any/fashion-mnist/+/+/+',
        { qos: 0 },
        () => void (stolen += 1),
      );
      await bothUp(rig);
      stream(rig, RATE);
      await moreOf(rig, 'cloud', FRAMES);
      claim(!says(rig, /arrived at none of them/), 'nothing is missed');
      return `${claimAnswered(rig, claim, 0)}; the thief's own group got copies of ${stolen}`;
    },
  },
];

const FORGERY: readonly FaultCase[] = [
  {
    name: 'answers-forged',
    what: 'somebody answers every request faster than the server, as another server and on the old topic',
    tier: 'short',
    rig: { agent: PATIENT },
    play: async (rig, claim) => {
      const names = answerers(rig);
      let forged = 0;
      await bothUp(rig);
      const forger = new FakeServer(rig.watch, ({ frameId, forge }, good) => {
        forged += 2; // the third is on a topic to which no device listens any more
        forge(`edgemux/answer/evil/${DEVICE}/${frameId}`, JSON.stringify({ ...good, server: 'evil' }));
        forge(`edgemux/answer/evil/${DEVICE}/${frameId}`, JSON.stringify({ ...good, server: 's1' }));
        forge(`edgemux/answer/${DEVICE}/${frameId}`, JSON.stringify({ ...good, server: 's1' }));
      });
      await forger.listenTo('s1');
      stream(rig, RATE);
      await moreOf(rig, 'cloud', FRAMES);
      await rig.settle();
      claim([...names].join() === 's1', `results are of ${[...names].join()}`);
      const ignored = counter(rig, 'foreignAnswers') + counter(rig, 'lateAnswers');
      claim(ignored >= forged, `${ignored} of ${forged} forged answers are counted`);
      claim(failuresOf(rig, 's1') === 0, 'the server in whose name they came is not blamed');
      return `${claimAnswered(rig, claim, 0)}; ${ignored} of ${forged} forged answers counted`;
    },
  },
  {
    name: 'answers-replayed',
    what: 'somebody plays every answer of a server again, twice',
    tier: 'full',
    rig: { agent: PATIENT },
    play: async (rig, claim) => {
      let replayed = 0;
      const played = new Set<string>();
      await rig.watch.subscribe('edgemux/answer/s1/+/+', { qos: 0 }, ({ topic, payload }) => {
        if (played.has(topic)) return;
        played.add(topic);
        for (const delayMs of [50, 500]) {
          replayed += 1;
          setTimeout(() => void rig.watch.publish(topic, payload).catch(() => undefined), delayMs);
        }
      });
      await bothUp(rig);
      stream(rig, RATE);
      await moreOf(rig, 'cloud', FRAMES);
      rig.cameras.stop();
      await sleep(1000);
      await rig.settle();
      const late = counter(rig, 'lateAnswers');
      claim(late >= replayed, `${late} of ${replayed} replayed answers are counted`);
      return claimAnswered(rig, claim, 0);
    },
  },
  {
    name: 'liar-of-two',
    what: 'one of two servers answers every request with names of its own',
    tier: 'short',
    rig: { agent: PATIENT },
    play: async (rig, claim) => {
      const names = answerers(rig);
      await bothUp(rig);
      const html = '<img src=x onerror=alert(1)>';
      const liar = new FakeServer(rig.watch, ({ reply }, good) =>
        reply(JSON.stringify({ ...good, label: html })),
      );
      await liar.start();
      await rig.served('fake');
      stream(rig, RATE);
      await until('the liar was asked', () => failuresOf(rig, 'fake') > 0);
      await moreOf(rig, 'cloud', FRAMES);
      await rig.settle();
      claim([...names].join() === 's1', `results are of ${[...names].join()}`);
      claim(serverOf(rig, 's1')?.offload?.breaker === 'closed', 'the honest one is asked as before');
      claim(failuresOf(rig, 's1') === 0, 'nothing counts against it');
      const bad = counter(rig, 'badAnswers');
      claim(bad === liar.requests, `${bad} of ${liar.requests} bad answers are counted`);
      return `${claimAnswered(rig, claim, 8)}; the liar was asked ${liar.requests} times`;
    },
  },
  {
    name: 'status-foreign',
    what: "somebody writes other servers' names, models and nonsense on a server's status topic, retained",
    tier: 'full',
    rig: { agent: PATIENT },
    play: async (rig, claim) => {
      await bothUp(rig);
      const topic = 'edgemux/cloud/s1/status';
      const status = JSON.parse(rig.statuses.get(topic) ?? '{}') as object;
      stream(rig, RATE);
      for (const change of [
        { server: 'evil' },
        { models: ['=HYPERLINK("http://evil")'] },
        { state: 'asleep' },
      ]) {
        await rig.watch.publish(topic, JSON.stringify({ ...status, ...change }), { qos: 1, retain: true });
        await moreOf(rig, 'cloud', FRAMES / 3);
      }
      claim(serverOf(rig, 'evil') === undefined, 'the foreign name is no server');
      return claimAnswered(rig, claim, 0);
    },
  },
  {
    name: 'server-ghost',
    what: 'somebody announces a server that is not there, beside one that is',
    tier: 'full',
    rig: { agent: { ...PATIENT, offload: { deadlineMs: 1000 } } },
    play: async (rig, claim) => {
      const ghost = new FakeServer(rig.watch, () => undefined);
      await bothUp(rig);
      await ghost.start();
      await rig.served('fake');
      stream(rig, RATE);
      await until('the ghost was asked', () => failuresOf(rig, 'fake') > 0);
      await moreOf(rig, 'cloud', FRAMES);
      claim(failuresOf(rig, 's1') === 0, 'nothing counts against the one that is there');
      return `${claimAnswered(rig, claim, 8)}; the ghost was asked ${ghost.requests} times`;
    },
  },
];

/** Two servers, of which something happens to the first. */
async function twoServers(rig: Rig, happen: () => Promise<void>): Promise<void> {
  await rig.startAgent();
  await Promise.all([rig.startServer('s1'), rig.startServer('s2')]);
  stream(rig, RATE);
  await until('both answer', () => answersOf(rig, 's1') > 0 && answersOf(rig, 's2') > 0);
  await happen();
  const before = answersOf(rig, 's2');
  await until('the other goes on', () => answersOf(rig, 's2') >= before + FRAMES);
}

const SEVERAL: readonly FaultCase[] = [
  {
    name: 'two-servers-one-killed',
    what: 'one of two servers is killed and started again',
    tier: 'full',
    rig: { agent: PATIENT },
    play: async (rig, claim) => {
      await twoServers(rig, () => rig.killServer('s1'));
      const remark = claimAnswered(rig, claim, 8);
      const before = answersOf(rig, 's1');
      await rig.startServer('s1');
      await until('the first answers again', () => answersOf(rig, 's1') > before);
      return remark;
    },
  },
  {
    name: 'two-servers-one-frozen',
    what: 'one of two servers is frozen: alive by its status, and silent',
    tier: 'full',
    rig: { agent: { ...PATIENT, offload: { deadlineMs: 1000 } } },
    play: async (rig, claim) => {
      const signal = (name: NodeJS.Signals): void => rig.servers.get('s1')?.signal(name);
      await twoServers(rig, async () => {
        signal('SIGSTOP');
        await until('it is missed', () => failuresOf(rig, 's1') > 0);
      });
      const remark = claimAnswered(rig, claim, 16);
      const before = answersOf(rig, 's1');
      signal('SIGCONT');
      await until('the first answers again', () => answersOf(rig, 's1') > before);
      return remark;
    },
  },
  {
    name: 'server-old',
    what: 'the only server speaks the protocol of edgemux 0.1.0',
    tier: 'full',
    rig: { agent: PATIENT },
    play: async (rig, claim) => {
      const old = new FakeServer(rig.watch, ({ reply }, good) => reply(JSON.stringify(good)));
      await old.start({ protocol: undefined });
      await rig.startAgent();
      stream(rig, RATE);
      await moreOf(rig, 'fallback', FRAMES);
      claim(old.requests === 0, 'it is not asked');
      claim(
        says(rig, /server fake .* speaks protocol 1 .*: upgrade the server/),
        'health says what to upgrade',
      );
      return undefined;
    },
  },
];

export const TRUST_CASES: readonly FaultCase[] = [...THEFT, ...FORGERY, ...SEVERAL];
