/**
 * The one door to onnxruntime-node: which build of it is loaded, and what the oldest one lacks.
 *
 * 1.11, the last that JetPack 4.6 has CUDA for, has no metadata, no `release()` and no profile, and knows the
 * backend `cpu` alone, so that other providers must be asked for together with it. Everybody else writes code for 1.22.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import type * as Ort from 'onnxruntime-node';
import { EdgemuxError, messageOf } from '../../common/errors.js';
import { loadRemedy } from '../../common/host/load-failure.js';

export type { InferenceSession, Tensor } from 'onnxruntime-node';

/** Names another build of onnxruntime-node: a package beside ours, or the path of one. */
export const BINDING_VARIABLE = 'EDGEMUX_ORT';
const SHIPPED = 'onnxruntime-node';

export interface Binding {
  ort: typeof Ort;
  version: string;
  /** Absolute path of the package's folder. */
  folder: string;
}

/**
 * Loads a binding. It is CommonJS, whose names an ES module cannot import one by one in 1.11: hence `require`.
 *
 * @param wanted a package name, or a path of a package or file; empty: the one we ship with
 * @throws EdgemuxError BINDING_UNUSABLE
 */
export function loadBinding(wanted: string): Binding {
  const require = createRequire(import.meta.url);
  const name = wanted === '' ? SHIPPED : /^[./]/.test(wanted) ? resolve(wanted) : wanted;
  try {
    const folder = packageFolder(require.resolve(name));
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
    const ort = require(name) as typeof Ort;
    if (typeof ort.InferenceSession?.create !== 'function') throw new Error('it is not onnxruntime-node');
    // What ONNX Runtime would print about a failure it also throws: it would only stand twice in the log.
    ort.env.logLevel = 'fatal';
    return { ort, version, folder };
  } catch (cause) {
    const reason = messageOf(cause);
    const usual =
      wanted === ''
        ? 'install the package again'
        : `${BINDING_VARIABLE} must name a package of it or its path`;
    throw new EdgemuxError(
      'BINDING_UNUSABLE',
      `${name} cannot be loaded: ${reason.split('\n')[0]}; ${loadRemedy(reason) ?? usual}`,
      {
        cause,
        details: { binding: name },
      },
    );
  }
}

/** Is a build of that name installed beside ours? It is not loaded: two never meet in one process. */
export function hasBinding(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    return false;
  }
}

/** The nearest folder above a file that holds a package.json. */
function packageFolder(file: string): string {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    try {
      readFileSync(join(folder, 'package.json'));
      return folder;
    } catch {
      // one further up
    }
  }
  throw new Error(`there is no package.json above ${file}`);
}

/** The one of this process; all its threads share the environment and so the choice. */
export const binding = loadBinding(process.env[BINDING_VARIABLE] ?? '');

/** Frees a session's native memory; 1.11 leaves that to the garbage collector. */
export async function releaseSession(session: Ort.InferenceSession): Promise<void> {
  await (session as Partial<Pick<Ort.InferenceSession, 'release'>>).release?.();
}
