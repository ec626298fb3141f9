/**
 * `models/imagenet-lite`: whose it is, what is in it, and what it answers on photographs.
 *
 * 60 of them, or with EDGEMUX_TEST_FULL=1 all 600, which also prints the tables of docs/your-own-models.md; EDGEMUX_ZOO
 * names another zoo of the recipe (with Lite1). `npm run peers -- zoo` does all of it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { mean, wilsonInterval } from '../../common/statistics.js';
import { readModel } from '../../lab/zoo/onnx/onnx-file.js';
import { loadZoo } from '../../mux/zoo/zoo.js';
import { answersOf, peerAnswers, PHOTOGRAPHS, withoutPhotographs } from './support/photographs.js';
import { answerOf, averaged, crossFitted } from './support/pair-table.js';

const SHIPPED = 'models/imagenet-lite';
const full = process.env['EDGEMUX_TEST_FULL'] === '1';
const FLOAT16 = 10;

t.test('the shipped zoo names whose it is, and its weights are float16', async (t) => {
  const zoo = await loadZoo(SHIPPED);
  t.equal(zoo.manifest.licence, 'Apache-2.0');
  t.match(readFileSync(join(SHIPPED, 'LICENSE'), 'utf8'), /Apache License\s+Version 2\.0, January 2004/);
  t.match(readFileSync(join(SHIPPED, 'NOTICE'), 'utf8'), /Google[^]*ML Illustrated[^]*Luke Melas-Kyriazi[^]*Princeton/);
  t.equal(zoo.classes, 1000);
  t.same(zoo.manifest.classIds, [...(zoo.manifest.classIds ?? [])].sort(), "classes are in the order of WordNet's ids");
  t.equal(zoo.labels[zoo.manifest.classIds?.indexOf('n02123045') ?? -1], 'tabby');
  t.match(zoo.manifest.policy, { mode: 'cascade', calibration: { images: 600, note: /were trained on/ } });
  const sides = { lite0: 224, lite2: 260 };
  for (const { id, file, bytes } of zoo.manifest.models) {
    const side = sides[id as keyof typeof sides];
    const input = { height: side, width: side, channels: 3, fit: 'crop', share: 0.875, kernel: 'bicubic' };
    t.match(zoo.inputOf(id), input);
    const { graph } = await readModel(join(SHIPPED, file));
    const large = (graph?.initializer ?? []).filter(({ rawData }) => (rawData?.length ?? 0) > 8192);
    t.ok(large.length > 30 && large.every(({ dataType }) => dataType === FLOAT16), `${id}: ${large.length} weights`);
    t.ok(bytes < 12.5e6);
  }
});

t.test('the networks answer what Pillow and ONNX Runtime answer', { skip: withoutPhotographs, timeout: 7_200_000 }, async (t) => {
  const zoo = await loadZoo(process.env['EDGEMUX_ZOO'] ?? SHIPPED);
  const rows = await answersOf(zoo, full ? 1 : 10);
  t.equal(rows.length, full ? 600 : 60);
  const peers = peerAnswers();
  for (const { id } of zoo.manifest.models) {
    const peer = (name: string): number => peers.get(name)?.[id] ?? NaN;
    const same = rows.filter((row) => answerOf(row, id) === peer(row.name)).length;
    const right = mean(rows.map((row) => Number(answerOf(row, id) === row.label)));
    const theirs = mean(rows.map((row) => Number(peer(row.name) === row.label)));
    const said = `${id}: ${percent(right)} right, by the peer ${percent(theirs)}; the same class for ${same} of ${rows.length}`;
    // One picture of 60 is 1.7 points.
    t.ok(same >= rows.length - Math.max(1, rows.length / 100), said);
    t.ok(Math.abs(right - theirs) <= (full ? 0.007 : 1.01 / rows.length), said);
    const { low, high } = wilsonInterval(right, rows.length);
    if (full) t.comment(`| ${id} | ${percent(right)} [${percent(low)}, ${percent(high)}] | ${percent(theirs)} | ${same} |`);
  }
  if (!full) return;
  const server = mean(rows.map((row) => Number(answerOf(row, 'lite2') === row.label)));
  t.comment(`lite2 alone: ${percent(server)}`);
  const ways = {
    'the server answers': (row: Parameters<typeof answerOf>[0]) => answerOf(row, 'lite2'),
    'device and server averaged': averaged('lite0', 'lite2'),
    ...(zoo.manifest.models.length > 2 ? { 'all three averaged': averaged('lite0', 'lite1', 'lite2') } : {}),
  };
  for (const [way, far] of Object.entries(ways)) {
    const { accuracy, offloaded, difference, plusMinus, thresholds } = crossFitted(rows, far, 0.4);
    const interval = `${points(difference)} ± ${(100 * plusMinus).toFixed(1)}`;
    t.comment(`| ${way} | ${thresholds.map((one) => one.toFixed(2)).join(', ')} | ${percent(offloaded)} | ${percent(accuracy)} | ${interval} |`);
    t.ok(offloaded <= 0.42, `${way}: ${percent(offloaded)} offloaded`);
    t.ok(difference + plusMinus >= 0, `${way}: not worse than the server alone beyond chance (${interval} points)`);
  }
});

t.test('the photographs are labelled by their names alone', { skip: withoutPhotographs }, async (t) => {
  const zoo = await loadZoo(SHIPPED);
  const ids = zoo.manifest.classIds ?? [];
  t.ok(existsSync(PHOTOGRAPHS));
  for (const name of peerAnswers().keys()) {
    const [id = '', ...words] = name.replace('.JPEG', '').split('_');
    t.ok(ids.includes(id), `${name}: ${words.join(' ')}`);
  }
});

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function points(difference: number): string {
  return `${difference < 0 ? '−' : '+'}${Math.abs(100 * difference).toFixed(1)}`;
}
