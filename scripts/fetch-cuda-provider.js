#!/usr/bin/env node
/**
 * Puts the CUDA provider beside the installed onnxruntime-node:
 *
 *   node scripts/fetch-cuda-provider.js [--package FILE] [--sha256 HEX] [--into FOLDER]
 *   node scripts/fetch-cuda-provider.js --check     only says what the provider still misses on this machine
 *
 * The npm package holds the CPU provider only; libonnxruntime_providers_{shared,cuda,tensorrt}.so of exactly its version
 * are in a package of NuGet (a few hundred MB), which is fetched with curl (a proxy from https_proxy), or given as
 * --package. Nothing of it is unpacked unless its sha256 is the pinned one, or that of --sha256.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

const NEEDS = `CUDA 12.4 to 12.8 and cuDNN 9 (libcudart.so.12, libcublas.so.12, libcudnn.so.9) must be where the loader looks.
For a GTX 1080 Ti (Pascal): cuDNN 9.0 to 9.10 and a driver of branch R580 or older; newer ones have left Pascal, and
so has ONNX Runtime 1.23 and later, which is why this project pins 1.22.0-rev.`;

const NAME = 'microsoft.ml.onnxruntime.gpu.linux';
/**
 * sha256 of the NuGet package by version. 1.22.0: as other software that fetches the same file has pinned it; no copy of it
 * was at hand here to compute it from.
 */
const PINNED = { '1.22.0': 'd3dabd8235b7a04a67838a3b93437420f1a709528a8d8611e08bedbb08206d1d' };
const LIBRARIES = ['shared', 'cuda', 'tensorrt'].map((name) => `libonnxruntime_providers_${name}.so`);
const UNPACK = `import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as package:
    for name in sys.argv[3:]:
        with package.open('runtimes/linux-x64/native/' + name) as source, open(sys.argv[2] + '/' + name, 'wb') as target:
            shutil.copyfileobj(source, target)`;

const say = (line) => process.stdout.write(`${line}\n`);
const complain = (line) => process.stderr.write(`${line}\n`);

const require = createRequire(import.meta.url);
const root = dirname(require.resolve('onnxruntime-node/package.json'));

const { values: options } = parseArgs({
  options: {
    check: { type: 'boolean', default: false },
    package: { type: 'string' },
    sha256: { type: 'string' },
    into: { type: 'string', default: join(root, 'bin', 'napi-v6', 'linux', 'x64') },
  },
});
const provider = join(options.into, 'libonnxruntime_providers_cuda.so');

/** The version of the NuGet package that belongs to the installed binding. */
function packageVersion() {
  return require('onnxruntime-node/script/install-metadata-versions.js').nuget[0].version;
}

async function sha256Of(file) {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest('hex');
}

/** Fetches, compares and only then unpacks. Throws where one of it fails. */
async function install() {
  const version = packageVersion();
  const expected = options.sha256?.toLowerCase() ?? PINNED[version];
  if (!/^[0-9a-f]{64}$/.test(expected ?? '')) {
    throw new Error(
      `no sha256 is known for ${NAME} ${version}: compute it from a package that you trust and give it as --sha256`,
    );
  }
  const scratch = mkdtempSync(join(tmpdir(), 'edgemux-cuda-'));
  try {
    const file = options.package ?? join(scratch, 'package.zip');
    if (options.package === undefined) {
      const url = `https://api.nuget.org/v3-flatcontainer/${NAME}/${version}/${NAME}.${version}.nupkg`;
      say(`fetching ${url}`);
      execFileSync('curl', ['--fail', '--location', '--proto', '=https', '--output', file, url], {
        stdio: 'inherit',
      });
    }
    const found = await sha256Of(file);
    if (found !== expected) {
      throw new Error(
        `the package's sha256 is ${found}, not ${expected}: nothing was installed. If you know that it is the right one, give its hash as --sha256`,
      );
    }
    execFileSync('python3', ['-c', UNPACK, file, options.into, ...LIBRARIES], { stdio: 'inherit' });
    say(`${NAME} ${version}: sha256 ${found} as expected, unpacked into ${options.into}`);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Libraries that the loader does not find, one a line; null where ldd cannot tell. */
function missing() {
  try {
    const text = execFileSync('ldd', [provider], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return text
      .split('\n')
      .filter((line) => line.includes('not found'))
      .map((line) => line.trim());
  } catch {
    return null;
  }
}

async function main() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    complain(
      `There is a CUDA provider for linux x64 only; this is ${process.platform} ${process.arch}. On a Jetson see its own guide.`,
    );
    return 1;
  }
  if (!options.check && !existsSync(provider)) {
    try {
      await install();
    } catch (error) {
      complain(`error: ${error.message}`);
      return 1;
    }
  }
  if (!existsSync(provider)) {
    complain(`${provider} is not there. Run this script without --check.`);
    return 1;
  }
  const absent = missing();
  if (absent?.length === 0) {
    say(
      `${provider} finds all its libraries. Prove it: edgemux-cloud run --provider cuda, which runs every network.`,
    );
    return 0;
  }
  complain(absent ? `It does not find:\n  ${absent.join('\n  ')}` : 'ldd cannot tell what it needs.');
  complain(NEEDS);
  return absent ? 1 : 0;
}

process.exitCode = await main();
