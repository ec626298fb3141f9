#!/usr/bin/env node
/**
 * Fetches the CUDA provider of the installed onnxruntime-node: `node scripts/fetch-cuda-provider.js [--check]`.
 *
 * The npm package holds the CPU provider only. Its own installer, which our .npmrc skips, takes
 * libonnxruntime_providers_{shared,cuda,tensorrt}.so of exactly its version from NuGet (a few hundred MB) and puts
 * them beside the binding; this script runs that installer, then says what the provider still misses on this machine.
 * `--check` only says that. A proxy is taken from GLOBAL_AGENT_HTTPS_PROXY.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const NEEDS = `CUDA 12.4 to 12.8 and cuDNN 9 (libcudart.so.12, libcublas.so.12, libcudnn.so.9) must be where the loader looks.
For a GTX 1080 Ti (Pascal): cuDNN 9.0 to 9.10 and a driver of branch R580 or older; newer ones have left Pascal, and
so has ONNX Runtime 1.23 and later, which is why this project pins 1.22.0-rev.`;

const say = (line) => process.stdout.write(`${line}\n`);
const complain = (line) => process.stderr.write(`${line}\n`);

const require = createRequire(import.meta.url);
const root = dirname(require.resolve('onnxruntime-node/package.json'));
const { version } = require('onnxruntime-node/package.json');
const folder = join(root, 'bin', 'napi-v6', 'linux', 'x64');
const provider = join(folder, 'libonnxruntime_providers_cuda.so');

/** Libraries that the loader does not find, one a line; null where ldd cannot tell. */
function missing() {
  try {
    const text = execFileSync('ldd', [provider], { encoding: 'utf8' });
    return text
      .split('\n')
      .filter((line) => line.includes('not found'))
      .map((line) => line.trim());
  } catch {
    return null;
  }
}

function main() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    complain(
      `There is a CUDA provider for linux x64 only; this is ${process.platform} ${process.arch}. On a Jetson see its own guide.`,
    );
    return 1;
  }
  if (!process.argv.includes('--check') && !existsSync(provider)) {
    say(`onnxruntime-node ${version}: fetching its CUDA provider`);
    execFileSync(
      process.execPath,
      [join(root, 'script', 'install.js'), '--onnxruntime-node-install=cuda12'],
      {
        stdio: 'inherit',
        env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'cuda12' },
      },
    );
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

process.exitCode = main();
