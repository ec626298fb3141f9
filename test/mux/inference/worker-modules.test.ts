import t from 'tap';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What a compiled file imports when it is loaded, as written. */
function importsOf(file: URL): string[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/^(?:import|export)\b[^;]*?from '([^']+)';/gms)].map(([, name = '']) => name);
}

function packagesLoadedBy(start: URL): { packages: Set<string>; files: Set<string> } {
  const packages = new Set<string>();
  const files = new Set<string>([start.href]);
  for (const href of files) {
    for (const name of importsOf(new URL(href))) {
      if (name.startsWith('.')) files.add(new URL(name, href).href);
      else packages.add(name);
    }
  }
  return { packages, files };
}

t.test('the inference worker loads the rules of every policy, and no schema library', (t) => {
  const worker = new URL('../../../mux/inference/inference-worker.js', import.meta.url);
  const { packages, files } = packagesLoadedBy(worker);
  t.ok([...files].every((href) => existsSync(fileURLToPath(href))));
  t.ok([...files].some((href) => href.endsWith('/mux/rules/policies/three-tier.js')));
  t.notOk(packages.has('zod'), 'zod doubles the start-up time of the thread');
  t.end();
});
