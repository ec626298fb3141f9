/** The server dies, freezes, is slow or is out of its mind. Every frame is offloaded here. */
import { FakeServer, type FakeRequest, type GoodAnswer, type Script } from '../support/fake-server.js';
import type { Claim, FaultCase } from '../support/play.js';
import type { Rig } from '../support/rig.js';
import { bothUp, counter, moreOf, sleep, stream, until } from './common.js';

const CLOUD_ONLY = { policy: { mode: 'cloud-only' } };
const FRAMES = 60;

/** A device that meets a server which answers by `script`; frames come until `FRAMES` have been asked or answered. */
async function withFake(rig: Rig, script: Script): Promise<FakeServer> {
  const fake = new FakeServer(rig.watch, script);
  await fake.start();
  await rig.startAgent();
  await rig.served('fake');
  stream(rig);
  await until('enough results', () => (rig.accountant.lives[0]?.answered ?? 0) >= FRAMES);
  await rig.settle();
  return fake;
}

/** A case of a server whose every answer is wrong in one way. */
function wrong(
  name: string,
  what: string,
  spoil: (request: FakeRequest, good: GoodAnswer) => void,
): FaultCase {
  return {
    name: `server-${name}`,
    what: `server answers ${what}`,
    tier: name === 'not-finite' ? 'short' : 'full',
    rig: { agent: CLOUD_ONLY },
    play: async (rig, claim) => {
      const fake = await withFake(rig, spoil);
      claim(fake.requests > 0, 'the server was asked');
      claim((rig.accountant.routes['cloud'] ?? 0) === 0, 'no wrong answer is taken for a result');
      const refused = counter(rig, 'badAnswers') + counter(rig, 'lateAnswers');
      claim(refused >= fake.requests, `${refused} of ${fake.requests} wrong answers are counted`);
      return `${fake.requests} asked, ${counter(rig, 'badAnswers')} bad and ${counter(rig, 'lateAnswers')} late answers`;
    },
  };
}

const WRONG_ANSWERS: readonly FaultCase[] = [
  wrong('wrong-frame', 'for another frame', ({ reply }, good) =>
    reply(JSON.stringify({ ...good, frameId: '01J00000000000000000000000' })),
  ),
  wrong('unknown-frame', "on another frame's topic", ({ reply }, good) =>
    reply(JSON.stringify(good), '01J00000000000000000000000'),
  ),
  wrong(
    'not-finite',
    'with NaN, with null and with 1e999 among the probabilities',
    ({ reply, number }, good) => {
      const bad = ['NaN', 'null', '1e999'][number % 3] ?? 'NaN';
      reply(
        JSON.stringify({ ...good, probabilities: ['?', ...good.probabilities.slice(1)] }).replace('"?"', bad),
      );
    },
  ),
  wrong('all-zero', '0.0 for every class', ({ reply }, good) =>
    reply(JSON.stringify({ ...good, probabilities: good.probabilities.map(() => 0) })),
  ),
  wrong('no-probabilities', 'without probabilities, or with one too few', ({ reply, number }, good) => {
    const probabilities = number % 2 === 0 ? undefined : good.probabilities.slice(1);
    reply(JSON.stringify({ ...good, probabilities }));
  }),
  wrong('huge', 'with 4 MB of JSON', ({ reply }, good) =>
    reply(JSON.stringify({ ...good, label: 'x'.repeat(4_000_000) })),
  ),
  wrong('deep', 'with JSON 100,000 levels deep', ({ reply }) =>
    reply('['.repeat(100_000) + ']'.repeat(100_000)),
  ),
  wrong('not-json', 'with bytes that are no JSON', ({ reply }) => reply(Buffer.alloc(200, 0xff))),
  wrong('signed-by-another', 'in the name of another server', ({ reply }, good) =>
    reply(JSON.stringify({ ...good, server: 's1' })),
  ),
  wrong('strange-names', 'with models and class names that it cannot know', ({ reply, number }, good) => {
    const name = '=HYPERLINK("http://evil")';
    reply(JSON.stringify({ ...good, ...(number % 2 === 0 ? { models: [name] } : { label: name }) }));
  }),
  wrong('impossible-times', 'with times longer than the request took', ({ reply, number }, good) => {
    const ms = [1e300, 60_000][number % 2];
    reply(JSON.stringify({ ...good, latencyMs: { ...good.latencyMs, residence: ms } }));
  }),
  wrong('wrong-zoo', 'computed with another zoo', ({ reply }, good) =>
    reply(JSON.stringify({ ...good, zooHash: 'f'.repeat(64) })),
  ),
];

async function goneAndBack(
  rig: Rig,
  claim: Claim,
  gone: () => Promise<void>,
  back: () => Promise<void>,
): Promise<void> {
  await bothUp(rig);
  stream(rig);
  await moreOf(rig, 'cloud', 40);
  await gone();
  await moreOf(rig, 'fallback', 40);
  await back();
  await rig.served('s1');
  await moreOf(rig, 'cloud', 40);
  claim((rig.accountant.routes['fallback'] ?? 0) >= 40, 'the device answers while the server is gone');
}

export const SERVER_CASES: readonly FaultCase[] = [
  {
    name: 'server-killed',
    what: 'server killed mid-stream and started again',
    tier: 'short',
    rig: { agent: CLOUD_ONLY },
    play: async (rig, claim) => {
      await goneAndBack(
        rig,
        claim,
        () => rig.killServer(),
        async () => void (await rig.startServer('s1', { wait: false })),
      );
      return undefined;
    },
  },
  {
    name: 'server-frozen',
    what: 'server process frozen for 8 s: alive by its status, and silent',
    tier: 'full',
    rig: { agent: CLOUD_ONLY },
    play: async (rig, claim) => {
      await goneAndBack(
        rig,
        claim,
        async () => {
          rig.servers.get('s1')?.signal('SIGSTOP');
          await sleep(8000);
        },
        async () => rig.servers.get('s1')?.signal('SIGCONT') as undefined,
      );
      return undefined;
    },
  },
  {
    name: 'server-slow',
    what: 'server answers after 300 ms of a deadline of 500 ms',
    tier: 'full',
    rig: { agent: { ...CLOUD_ONLY, offload: { deadlineMs: 500, window: 64 } } },
    play: async (rig, claim) => {
      await withFake(rig, ({ reply }, good) => void setTimeout(() => reply(JSON.stringify(good)), 300));
      claim((rig.accountant.routes['cloud'] ?? 0) > 0, 'slow answers count while they are in time');
      return undefined;
    },
  },
  {
    name: 'server-late',
    what: 'server answers 200 ms after the deadline',
    tier: 'full',
    rig: { agent: CLOUD_ONLY },
    play: async (rig, claim) => {
      const fake = await withFake(rig, ({ reply, budgetMs }, good) => {
        setTimeout(() => reply(JSON.stringify(good)), budgetMs + 200);
      });
      claim((rig.accountant.routes['cloud'] ?? 0) === 0, 'a late answer changes nothing');
      const late = counter(rig, 'lateAnswers');
      claim(late === fake.requests, `${late} of ${fake.requests} late answers are counted`);
      return `${late} late answers counted`;
    },
  },
  {
    name: 'server-twice',
    what: 'server answers everything twice',
    tier: 'full',
    rig: { agent: CLOUD_ONLY },
    play: async (rig, claim) => {
      const fake = await withFake(rig, ({ reply }, good) => {
        for (let time = 0; time < 2; time += 1) reply(JSON.stringify(good));
      });
      claim((rig.accountant.routes['cloud'] ?? 0) > 0, 'the first answer counts');
      const late = counter(rig, 'lateAnswers');
      claim(late >= fake.requests, `${late} of ${fake.requests} second answers are counted`);
      return `${late} second answers counted`;
    },
  },
  ...WRONG_ANSWERS,
];
