/**
 * For `node --import`: writes the URL or path of every module that a program loads, in all its threads, into the file
 * that `MODULES_FILE` names, one a line.
 */
import { appendFileSync } from 'node:fs';
import Module, { register, syncBuiltinESMExports } from 'node:module';
import threads, { type WorkerOptions } from 'node:worker_threads';

const file = process.env['MODULES_FILE'] ?? '';
register('./module-hooks.js', import.meta.url, { data: { file } });

type Load = (request: string, parent: unknown, isMain: boolean) => unknown;
interface Loader {
  _load: Load;
  _resolveFilename: (request: string, parent: unknown, isMain: boolean) => string;
}

/** What CommonJS modules require passes no hook of the module loader. */
const loader = Module as unknown as Loader;
const load = loader._load;
loader._load = function (request, parent, isMain) {
  const exported = load.call(this, request, parent, isMain);
  appendFileSync(file, `${loader._resolveFilename(request, parent, isMain)}\n`);
  return exported;
};

/** The programs start their threads without the flags of the process, this one among them. */
class RecordedWorker extends threads.Worker {
  constructor(url: string | URL, options: WorkerOptions = {}) {
    super(url, { ...options, execArgv: ['--import', import.meta.url] });
  }
}
threads.Worker = RecordedWorker;
syncBuiltinESMExports();
