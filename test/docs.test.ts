import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import t from 'tap';

const PAGES = [
  'README.md',
  'ARCHITECTURE.md',
  'SECURITY.md',
  'models/fashion-mnist/README.md',
  'models/imagenet-lite/README.md',
  'scripts/zoo/README.md',
  'scripts/train/README.md',
  ...readdirSync('docs')
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

t.test('every relative link of a page leads to a file', async (t) => {
  for (const page of PAGES) {
    const text = readFileSync(page, 'utf8');
    for (const [, target = ''] of text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      t.ok(existsSync(normalize(join(dirname(page), target))), `${page} links to ${target}`);
    }
  }
});

t.test('the README gives the two commands, and every page of docs/ is reachable from it', async (t) => {
  const readme = readFileSync('README.md', 'utf8');
  t.ok(readme.includes('npm ci && npm start') && readme.includes('npm ci && npm test'));
  for (const page of PAGES.filter((name) => name.startsWith('docs')))
    t.ok(readme.includes(`(${page})`), page);
});

t.test('npm scripts that pages mention exist', async (t) => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  for (const page of PAGES) {
    for (const [, name = ''] of readFileSync(page, 'utf8').matchAll(/npm run ([a-z0-9:-]+)/g)) {
      t.ok(scripts[name] !== undefined, `${page} mentions npm run ${name}`);
    }
  }
});
