import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

const skip =
  (process.platform !== 'linux' || process.arch !== 'x64') && 'the CUDA provider is for linux x64 only';
const LIBRARIES = ['cuda', 'shared', 'tensorrt'].map((name) => `libonnxruntime_providers_${name}.so`);
const ZIP = `import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as z:
    for name in sys.argv[2:]: z.writestr('runtimes/linux-x64/native/' + name, 'library ' + name)`;

function run(...args: string[]): { status: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['scripts/fetch-cuda-provider.js', ...args],
    { encoding: 'utf8' },
  );
  return { status, text: stdout + stderr };
}

t.test('a package with another hash is refused before anything of it is unpacked', { skip }, async (t) => {
  const dir = t.testdir({ into: {} });
  const [file, into] = [join(dir, 'package.zip'), join(dir, 'into')];
  execFileSync('python3', ['-c', ZIP, file, ...LIBRARIES]);
  const hash = createHash('sha256').update(readFileSync(file)).digest('hex');
  const { status, text } = run('--package', file, '--into', into);
  t.equal(status, 1);
  t.match(text, new RegExp(`sha256 is ${hash}, not [0-9a-f]{64}: nothing was installed`));
  t.same(readdirSync(into), []);
  const wrong = run('--package', file, '--into', into, '--sha256', 'abc');
  t.match(wrong, { status: 1, text: /no sha256 is known/ });
  t.same(readdirSync(into), []);
});

t.test(
  'the libraries of a package with the expected hash are unpacked, and no others',
  { skip },
  async (t) => {
    const dir = t.testdir();
    const [file, into] = [join(dir, 'package.zip'), join(dir, 'into')];
    mkdirSync(into);
    execFileSync('python3', ['-c', ZIP, file, ...LIBRARIES, '../../../../evil.so']);
    const hash = createHash('sha256').update(readFileSync(file)).digest('hex');
    t.match(
      run('--package', file, '--into', into, '--sha256', hash.toUpperCase()).text,
      `sha256 ${hash} as expected`,
    );
    t.same(readdirSync(into).sort(), LIBRARIES);
    t.equal(readFileSync(join(into, LIBRARIES[0]!), 'utf8'), `library ${LIBRARIES[0]}`);
    t.same(readdirSync(dir).sort(), ['into', 'package.zip']);
  },
);
