/**
 * docs/your-own-models.md from its first command to its last, with real networks: two ONNX files of 224 and 260 pixels, a
 * real mosquitto, device and server as programs, photographs as frames.
 *
 * The files are those of `npm run zoo:imagenet-lite -- --keep FOLDER` where EDGEMUX_ONNX names that folder; elsewhere the
 * shipped zoo's own files are imported as somebody else's would be.
 */
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import t, { type Test } from 'tap';
import { Connection } from '../../protocol/connection/connection.js';
import { systemClock } from '../../common/clock.js';
import { silentLog } from '../../common/log.js';
import { parseResult, type Result } from '../../protocol/messages.js';
import { findProgram, startMosquitto, withoutMosquitto } from '../support/broker.js';
import { until } from '../support/until.js';
import { peerAnswers, PHOTOGRAPHS, withoutPhotographs } from './support/photographs.js';

const run = promisify(execFile);
const ONNX = process.env['EDGEMUX_ONNX'];
const PATIENCE_MS = 240_000;
/** Photographs that the small network is sure of, and such that it is not; some are smaller than what would be made of them. */
const SURE = ['n01440764_tench', 'n01685808_whiptail', 'n01986214_hermit_crab', 'n02342885_hamster', 'n04347754_submarine'];
const UNSURE = [
  ...['n01751748_sea_snake', 'n01753488_horned_viper', 'n02108000_EntleBucher', 'n03045698_cloak'],
  ...['n04204238_shopping_basket', 'n04367480_swab', 'n04370456_sweatshirt'],
];
const NAMES = [...SURE, ...UNSURE].map((name) => `${name}.JPEG`);
/** A busy machine is no reason for a fallback here: what is looked at is who answers what. */
const PATIENT = { EDGEMUX_OFFLOAD_DEADLINE_MS: '60000' };

/** What the guide has people type for these files. */
function importCommand(folder: string, out: string): string[] {
  const shipped = resolve('models/imagenet-lite');
  const file = (id: string): string =>
    ONNX === undefined ? join(shipped, `${id}.onnx`) : join(ONNX, `efficientnet-${id}.onnx`);
  // The shipped files take pixels as they are, and give probabilities.
  const preparation =
    ONNX === undefined
      ? ['--scale', '1', '--mean', '0', '--std', '1', '--output-is', 'probabilities']
      : ['--scale', '1', '--mean', '127', '--std', '128'];
  return [
    ...['zoo', 'import', '--model', `local=${file('lite0')}`, '--model', `cloud=${file('lite2')}`],
    ...['--labels', join(folder, 'labels.txt'), ...preparation],
    ...['--fit', 'crop', '--share', '0.875', '--kernel', 'bicubic', '--confidence', '0.5489'],
    ...['--name', 'photographs', '--out', out],
  ];
}

/** The test's own settings are none of a program's. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('EDGEMUX_')),
);

function start(t: Test, trouble: string[], program: string, args: string[], cwd: string): void {
  const child = spawn(process.execPath, [resolve(`dist/${program}/main.js`), ...args], {
    cwd,
    env: { ...environment, ...PATIENT },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const errors: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  const ended = new Promise<void>((done) => child.once('close', () => done()));
  t.teardown(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  child.once('exit', (code) => {
    if (code !== 0 && code !== null)
      trouble.push(`${program} ended with ${code}: ${Buffer.concat(errors).toString()}`);
  });
}

interface Seen {
  results: Result[];
  uploads: { topic: string; payload: Uint8Array }[];
  /** Names of servers in the device's state. */
  served: boolean;
}

async function watch(t: Test, url: string): Promise<Seen> {
  const connection = new Connection({ log: silentLog(), clock: systemClock }, { url, clientId: 'watcher' });
  connection.start();
  t.teardown(() => connection.stop());
  await connection.ready(PATIENCE_MS);
  const seen: Seen = { results: [], uploads: [], served: false };
  await connection.subscribe('edgemux/d1/result/+', { qos: 1 }, ({ payload }) => {
    seen.results.push(parseResult(payload));
  });
  await connection.subscribe('edgemux/offload/#', { qos: 0 }, ({ topic, payload }) => {
    seen.uploads.push({ topic, payload: Uint8Array.from(payload) });
  });
  await connection.subscribe('edgemux/d1/state', { qos: 1 }, ({ payload }) => {
    const { servers } = JSON.parse(Buffer.from(payload).toString()) as { servers: { usable: boolean }[] };
    seen.served = servers.some(({ usable }) => usable);
  });
  return seen;
}

const missing =
  withoutPhotographs ||
  withoutMosquitto() ||
  (findProgram('mosquitto_pub') ? false : 'mosquitto_pub is not installed');

t.test('two ONNX files become a device and a server by the commands of the guide', { skip: missing, timeout: 1_200_000 }, async (t) => {
  const folder = t.testdir({ 'labels.txt': labels() });
  const zoo = join(folder, 'my-zoo');
  const { stdout } = await run(process.execPath, ['dist/agent/main.js', ...importCommand(folder, zoo)]);
  t.match(stdout, /takes pictures of 224x224x3 \(crop\)/);
  t.match(stdout, /takes pictures of 260x260x3 \(crop\)/);

  const broker = await startMosquitto();
  t.teardown(() => broker.stop());
  const seen = await watch(t, broker.url);
  const trouble: string[] = [];
  const far = join(folder, 'server');
  const near = join(folder, 'device');
  for (const made of [far, near]) mkdirSync(made);
  start(t, trouble, 'cloud-stub', ['run', '--zoo', zoo, '--broker', broker.url], far);
  start(t, trouble, 'agent', ['run', '--zoo', zoo, '--broker', broker.url, '--device', 'd1'], near);
  await until('the device knows a usable server', () => seen.served || trouble.length > 0, PATIENCE_MS);
  t.same(trouble, []);

  const peers = peerAnswers();
  const originals = new Set<string>();
  let same = 0;
  for (const [i, name] of NAMES.entries()) {
    const path = join(PHOTOGRAPHS, name);
    originals.add(readFileSync(path).toString('base64'));
    await run('mosquitto_pub', ['-p', String(broker.port), '-t', 'cameras/door/frame', '-f', path]);
    await until(`a result for ${name}`, () => seen.results.length > i, PATIENCE_MS);
    const result = seen.results[i]!;
    const peer = peers.get(name)?.[result.route === 'cloud' ? 'lite2' : 'lite0'];
    same += Number(result.classIndex === peer);
  }
  t.ok(same >= NAMES.length - 1, `the same class as Pillow and ONNX Runtime for ${same} of ${NAMES.length}`);
  const routes = seen.results.map(({ route }) => route);
  t.same(routes, [...SURE.map(() => 'local'), ...UNSURE.map(() => 'cloud')]);
  t.equal(seen.uploads.length, UNSURE.length);
  let prepared = 0;
  for (const { topic, payload } of seen.uploads) {
    if (originals.has(Buffer.from(payload).toString('base64'))) continue;
    const { width, height } = await sharp(payload).metadata();
    t.same([width, height], [260, 260], topic);
    t.match(topic, /-crop-260x260$/);
    prepared += 1;
  }
  t.comment(`${prepared} uploads of 260 x 260, ${UNSURE.length - prepared} as the camera sent them`);
});

function labels(): string {
  const { labels, classIds } = JSON.parse(readFileSync('models/imagenet-lite/manifest.json', 'utf8')) as {
    labels: string[];
    classIds: string[];
  };
  return `${labels.map((label, k) => `${classIds[k]} ${label}`).join('\n')}\n`;
}
