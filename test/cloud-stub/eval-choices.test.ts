/** A real server answers the shipped zoo's test images, image by image, as `edgemux eval` writes that it would. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { SERVER_MODES } from '../../common/policy-names.js';
import { runEval } from '../../lab/eval/command.js';
import { parseGroupChoices } from '../../lab/eval/group/group-choices.js';
import { evalOptions } from '../../lab/eval/options.js';
import { encodePng } from '../../mux/image/image.js';
import { startAedes } from '../support/broker.js';
import { shippedZoo, startServer } from '../support/system.js';
import { Asker } from './support/asker.js';

const IMAGES = 120;
const PATIENT_MS = 60_000;

t.setTimeout(170_000);

t.test('the same class and the same models per image under every policy', async (t) => {
  const { zoo, test } = await shippedZoo();
  const out = join(t.testdir(), 'eval');
  const silent = { write: () => true };
  const options = evalOptions({ zoo: zoo.dir, out, limit: IMAGES, provider: 'cpu' });
  await runEval(options, { out: silent, progress: silent });
  const csv = await readFile(join(out, 'group-choices.csv'), 'utf8');
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const asker = await Asker.connect(t, broker.url, 'd');
  await startServer(t, broker.url, 's', { queue: { maxRequests: IMAGES } });
  t.ok(await asker.untilOnline('s'));
  const pngs: Uint8Array[] = [];
  for (let i = 0; i < IMAGES; i += 1) pngs.push(await encodePng(test.images(i), zoo.input));
  const asked = new Set<string>();
  for (const mode of SERVER_MODES) {
    const before = asker.policies.length;
    await asker.patch('s', { mode });
    t.ok(await asker.until(() => asker.policies.length > before));
    const answers = await asker.askAll(pngs, PATIENT_MS, zoo.name);
    const choices = answers.map((answer) =>
      'error' in answer ? answer.error : { classIndex: answer.classIndex, models: answer.models },
    );
    t.same(choices, parseGroupChoices(csv, mode), mode);
    for (const choice of choices) if ('models' in choice) asked.add(choice.models.join());
  }
  t.ok(asked.size > 3, `${asked.size} different choices of models`);
});
