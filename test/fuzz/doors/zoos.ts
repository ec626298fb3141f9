/** Manifests, as text and as a folder to load. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { groupPolicyOf } from '../../../mux/rules/group-settings.js';
import { parseManifest } from '../../../mux/zoo/manifest.js';
import { policyFromManifest } from '../../../mux/rules/policy-settings.js';
import { loadZoo } from '../../../mux/zoo/zoo.js';
import { writeGroupZoo } from '../../cloud-stub/support/group-zoo.js';
import { SHIPPED_ZOO } from '../../mux/support/zoos.js';
import { refusalOr, type Door } from '../door.js';
import { mutateJson } from '../mutate-json.js';

export const zoos: Door = {
  name: 'zoos',
  cases: 700,
  async open(dir) {
    await writeGroupZoo(dir);
    const file = join(dir, 'manifest.json');
    const tiny = JSON.parse(readFileSync(file, 'utf8')) as object;
    const shipped = JSON.parse(readFileSync(join(SHIPPED_ZOO, 'manifest.json'), 'utf8')) as object;
    return {
      knock: (dice) =>
        refusalOr(async () => {
          if (dice.chance(0.3)) return void parseManifest(mutateJson(shipped, dice), 'shipped');
          await writeFile(file, mutateJson(tiny, dice));
          const zoo = await loadZoo(dir);
          policyFromManifest(zoo);
          groupPolicyOf(zoo);
        }),
    };
  },
};
