import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';

interface Listing {
  size: number;
  files: { path: string; mode: number }[];
}

/** What `npm pack` would put into the package. */
function listing(): Listing {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const text = execFileSync('npm', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const [found] = JSON.parse(text) as Listing[];
  if (!found) throw new Error('npm pack lists nothing');
  return found;
}

/** All that a package may hold, by folder; what is in none of these is there by mistake. */
const ALLOWED = [
  /^(README|ARCHITECTURE|CHANGELOG|CONTRIBUTING|SECURITY)\.md$/,
  /^(LICENSE|package\.json|npm-shrinkwrap\.json)$/,
  /^dist\/(agent|cloud-stub|common|drivers|energy|http|journal|lab|mux|protocol)\/[a-z0-9/-]+\.js$/,
  /^dist\/common\/built\.json$/,
  /^docs\/[a-z0-9/-]+\.(md|svg|png|js)$/,
  /^docs\/(man\/edgemux(-cloud)?\.1|completion\/_?edgemux(-cloud)?)$/,
  /^models\/(cifar10|fashion-mnist|imagenet-lite)\//,
  /^http\/page\/[a-z]+\.(html|css|js|svg)$/,
  /^deploy\/(grafana|prometheus)\/[a-z-]+\.(json|yml|yaml)$/,
  /^scripts\/install-(device|server)\.sh$/,
  /^scripts\/install\/[a-z]+\.sh$/,
  /^scripts\/jetpack\//,
  /^scripts\/fetch-cuda-provider\.js$/,
  /^systemd\//,
];

const { files, size } = listing();
const paths = files.map(({ path }) => path);

t.test('the package holds nothing that it does not need', async (t) => {
  for (const path of paths)
    t.ok(
      ALLOWED.some((pattern) => pattern.test(path)),
      path,
    );
  t.ok(size < 40 * 1024 * 1024, `${size} bytes`);
});

t.test('the package holds the programs and what they read', async (t) => {
  const { bin, man } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    bin: Record<string, string>;
    man: string[];
  };
  const zoo = JSON.parse(readFileSync('models/fashion-mnist/manifest.json', 'utf8')) as {
    models: { file: string }[];
  };
  const needed = [
    ...Object.values(bin),
    ...zoo.models.map(({ file }) => `models/fashion-mnist/${file}`),
    'dist/mux/inference/inference-worker.js',
    'dist/drivers/sampler/sampler-thread.js',
    'models/fashion-mnist/manifest.json',
    'models/imagenet-lite/manifest.json',
    'models/imagenet-lite/lite2.onnx',
    'models/imagenet-lite/LICENSE',
    'models/imagenet-lite/NOTICE',
    'models/fashion-mnist/t10k-images-idx3-ubyte.gz',
    'docs/operations.md',
    'http/page/index.html',
    'deploy/prometheus/alerts.yml',
    ...man,
  ];
  for (const path of needed) t.ok(paths.includes(path), path);
});

interface Locked {
  version?: string;
  integrity?: string;
  dev?: boolean;
}

t.test('the package carries its lockfile: every dependency by version and hash', async (t) => {
  t.ok(paths.includes('npm-shrinkwrap.json'));
  t.notOk(existsSync('package-lock.json'), 'npm would not read a second one');
  type Manifest = Record<'dependencies' | 'optionalDependencies', Record<string, string>>;
  const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
  const { packages } = JSON.parse(readFileSync('npm-shrinkwrap.json', 'utf8')) as {
    packages: Record<string, Locked>;
  };
  for (const [name, version] of Object.entries({
    ...manifest.dependencies,
    ...manifest.optionalDependencies,
  })) {
    const locked = packages[`node_modules/${name}`];
    t.equal(locked?.version, version, name);
    t.notOk(locked?.dev, `${name} is installed with the package`);
  }
  const unpinned = Object.entries(packages).filter(
    ([path, { integrity }]) => path !== '' && integrity?.startsWith('sha512-') !== true,
  );
  t.same(unpinned, [], 'each has its hash');
});

t.test('what a service or an installer runs is in the package, and may be run', async (t) => {
  const runnable = [
    ...['systemd/with-notify', 'systemd/edgemux-clocks', 'systemd/edgemux-rails'],
    ...['scripts/install-device.sh', 'scripts/install-server.sh'],
  ];
  for (const path of runnable) {
    const file = files.find((candidate) => candidate.path === path);
    t.equal((file?.mode ?? 0) & 0o111, 0o111, path);
  }
});

t.test(
  'pages in the package name only scripts that are in it, or say that they are of the checkout',
  async (t) => {
    for (const page of ['docs/deploy-server.md', 'docs/deploy-tx2.md', 'docs/operations.md']) {
      for (const [, script = ''] of readFileSync(page, 'utf8').matchAll(
        /\b(scripts\/[a-z0-9/-]+\.(?:sh|js|patch))\b/g,
      )) {
        t.ok(existsSync(script), `${page}: ${script}`);
        t.ok(paths.includes(script) || script.startsWith('scripts/try-'), `${page}: ${script}`);
      }
    }
  },
);
