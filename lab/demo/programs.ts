import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EdgemuxError } from '../../common/errors.js';

import type { SimulatedLink } from '../../drivers/simulation/board-model.js';
import type { DemoLink, DemoOptions } from './options.js';

/** Whose energy the simulated rail draws for a link. */
const SIMULATED_LINK: Record<DemoLink, SimulatedLink> = {
  none: 'wired',
  lan: 'wired',
  wifi: 'wifi',
  'us-mobile-2019': 'lte',
};

const PROGRAMS = {
  device: fileURLToPath(new URL('../../agent/main.js', import.meta.url)),
  server: fileURLToPath(new URL('../../cloud-stub/main.js', import.meta.url)),
};
const STOP_TIMEOUT_MS = 6000;

/** A program of ours run as a child process, with its log in a file. */
export class Program {
  readonly name: keyof typeof PROGRAMS;
  readonly logFile: string;
  readonly #child: ChildProcess;
  readonly #exit: Promise<number | null>;

  private constructor(
    name: keyof typeof PROGRAMS,
    args: string[],
    logFile: string,
    env: Record<string, string>,
  ) {
    this.name = name;
    this.logFile = logFile;
    this.#child = spawn(process.execPath, [PROGRAMS[name], ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...environmentWithoutOurs(), ...env },
    });
    this.#child.stderr?.pipe(createWriteStream(logFile));
    this.#exit = new Promise((resolve) => {
      this.#child.once('exit', resolve);
      this.#child.once('error', () => {
        resolve(null);
      });
    });
  }

  /** @param env settings of the program, in place of those of this process */
  static start(
    name: keyof typeof PROGRAMS,
    args: string[],
    logFile: string,
    env: Record<string, string> = {},
  ): Program {
    return new Program(name, args, logFile, env);
  }

  /** Rejects when the program ends before `ready` resolves. */
  async until(ready: Promise<void>): Promise<void> {
    const ended = this.#exit.then((code) => {
      throw new EdgemuxError(
        'PROGRAM_ENDED',
        `the ${this.name} ended with exit code ${code}; see ${this.logFile}`,
      );
    });
    await Promise.race([ready, ended]);
  }

  /** SIGTERM, then SIGKILL when it takes too long. Returns the exit code. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    const code = await this.#exit;
    clearTimeout(timer);
    return code;
  }
}

/** The demo's own settings count, not what is set for a daemon on this machine. */
function environmentWithoutOurs(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('EDGEMUX_')));
}

/** Starts device and server for the demo, both against `url`; their logs go to the demo's folder. */
export function startPrograms(settings: {
  url: string;
  /** Where the server connects to: the far end of the link. */
  serverUrl: string;
  device: string;
  options: DemoOptions;
}): Program[] {
  const { url, serverUrl, device, options } = settings;
  const common = ['--zoo', options.zoo, ...(options.provider ? ['--provider', options.provider] : [])];
  const log = (name: string): string => join(options.outDir, `${name}.log`);
  const configFile = join(options.outDir, 'device.yaml');
  writeFileSync(
    configFile,
    `report:\n  stateIntervalS: 0.5\npower:\n  simulatedLink: ${SIMULATED_LINK[options.link]}\n`,
  );
  const deviceArgs = [
    'run',
    '--config',
    configFile,
    '--device',
    device,
    '--simulate',
    '--data-dir',
    join(options.outDir, 'data'),
  ];
  return [
    // One large model, as in Fig. 2 (a) and (c) of the paper; the group is for `edgemux eval` and a server of its own.
    Program.start(
      'server',
      ['run', '--server', device, '--policy', 'largest', '--broker', serverUrl, ...common],
      log('server'),
    ),
    Program.start('device', [...deviceArgs, '--broker', url, ...common], log('device')),
  ];
}
