/** What `edgemux eval` says of other losses: a mux beside the zoo's own, and the forms of the contrastive loss. */
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { contrastiveRows } from '../../../../lab/eval/outputs/contrastive.js';
import { runEval } from '../../../../lab/eval/command.js';
import { evalOptions } from '../../../../lab/eval/options.js';
import { evalSchema } from '../../../../lab/eval/schema.js';
import { loadEmbeddings } from '../../../../lab/eval/outputs/embeddings.js';
import type { Manifest } from '../../../../mux/zoo/zoo.js';
import { SHIPPED_ZOO } from '../../../mux/support/zoos.js';

t.setTimeout(170_000);

t.test('a mux that is the zoo’s own, put beside it as another, gets the same figures', async (t) => {
  const dir = t.testdir();
  const zoo = join(dir, 'zoo');
  await cp(SHIPPED_ZOO, zoo, { recursive: true });
  const manifest = JSON.parse(await readFile(join(zoo, 'manifest.json'), 'utf8')) as Manifest;
  manifest.ablations = [{ name: 'twin', notes: 'the same files', mux: manifest.mux ?? {} }];
  await writeFile(join(zoo, 'manifest.json'), JSON.stringify(manifest));
  const silent = { write: () => true };
  await runEval(evalOptions({ zoo, out: join(dir, 'out'), limit: 400, provider: 'cpu' }), {
    out: silent,
    progress: silent,
  });
  const read = (name: string) => readFile(join(dir, 'out', name), 'utf8');
  const { ablations, pair, contrastive } = evalSchema.parse(JSON.parse(await read('eval.json')));
  const own = pair?.auroc.find(({ score, finds }) => score === 'mux score' && finds === 'local model wrong');
  t.same(ablations[0]?.pair?.auroc, own?.auroc);
  const same = pair?.atOffload.find(({ policy, offloadShare }) => policy === 'mux' && offloadShare === 0.32);
  t.same(ablations[0]?.pair?.atOffload.accuracy, same?.accuracy);
  t.ok((ablations[0]?.group?.flops ?? 0) > 0);
  t.equal(contrastive.length, 3);
  const text = await read('eval.md');
  t.match(text, /## Muxes of other losses\s+- \*twin\*: the same files/);
  t.match(text, /## Forms of the contrastive loss[\s\S]*\| paper \|[\s\S]*\| bounded \|/);
});

t.test('the shipped embeddings give the figures that their trainer wrote down', async (t) => {
  const embeddings = await loadEmbeddings(SHIPPED_ZOO);
  if (!embeddings) throw new Error('the shipped zoo has embeddings');
  const text = await readFile(join(SHIPPED_ZOO, 'embeddings', 'embeddings.json'), 'utf8');
  const { forms } = JSON.parse(text) as {
    forms: {
      contrastive: string;
      cosineBothRight: number;
      cosineOneRight: number;
      aurocDisagreement: number;
    }[];
  };
  const rows = contrastiveRows(embeddings);
  forms.forEach((form, at) => {
    const row = rows[at];
    t.equal(row?.form, form.contrastive);
    t.ok(Math.abs((row?.cosineBothRight ?? NaN) - form.cosineBothRight) < 0.01);
    t.ok(Math.abs((row?.cosineOneRight ?? NaN) - form.cosineOneRight) < 0.01);
    t.equal(row?.disagreementAuroc, form.aurocDisagreement);
  });
});

t.test('embeddings that are absent are null, damaged ones are refused with the remedy', async (t) => {
  t.equal(await loadEmbeddings(t.testdir()), null);
  const dir = t.testdir();
  await cp(join(SHIPPED_ZOO, 'embeddings'), join(dir, 'embeddings'), { recursive: true });
  await writeFile(join(dir, 'embeddings', 'embeddings.bin'), 'short');
  await t.rejects(loadEmbeddings(dir), { code: 'ZOO_INVALID', message: /embeddings\.bin.*embeddings\.py/ });
  await writeFile(join(dir, 'embeddings', 'embeddings.json'), '{}');
  await t.rejects(loadEmbeddings(dir), { code: 'ZOO_INVALID', message: /embeddings\.json/ });
});
