import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EdgemuxError } from '../../common/errors.js';
import { ALLOCATOR } from '../../common/host/allocator.js';

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
      env: { ...environmentWithoutOurs(), ...ALLOCATOR, ...env },
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

/** Ports of device and server. */
export interface HttpPorts {
  device: number;
  server: number;
}

/** The programs' own ports where nobody has them, else others that are free. */
export async function chooseHttpPorts(): Promise<HttpPorts> {
  return { device: await freePort(8090), server: await freePort(8091) };
}

async function freePort(wanted: number): Promise<number> {
  const server = createServer();
  const bound = (port: number): Promise<boolean> =>
    new Promise((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
  if (!(await bound(wanted))) await bound(0);
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts device and server for the demo, both against `url`; their logs go to the demo's folder. */
export function startPrograms(settings: {
  url: string;
  /** Where the server connects to: the far end of the link. */
  serverUrl: string;
  device: string;
  options: DemoOptions;
  /** Of 127.0.0.1, where they show themselves. */
  ports: HttpPorts;
}): Program[] {
  const { url, serverUrl, device, options, ports } = settings;
  const common = ['--zoo', options.zoo, ...(options.provider ? ['--provider', options.provider] : [])];
  const log = (name: string): string => join(options.outDir, `${name}.log`);
  const deviceArgs = ['run', '--config', deviceConfig(options, ports), '--device', device, '--simulate'];
  const data = ['--data-dir', join(options.outDir, 'data')];
  const serverArgs = [
    'run',
    '--server',
    device,
    '--policy',
    'largest',
    '--http-listen',
    String(ports.server),
  ];
  return [
    // One large model, as in Fig. 2 (a) and (c) of the paper; the group is for `edgemux eval` and a server of its own.
    Program.start('server', [...serverArgs, '--broker', serverUrl, ...common], log('server'), {
      EDGEMUX_CLOUD_HTTP_TOKEN_FILE: join(options.outDir, 'http-token-server'),
    }),
    Program.start('device', [...deviceArgs, ...data, '--broker', url, ...common], log('device')),
  ];
}

/** Writes the device's configuration file; returns its path. */
function deviceConfig({ link, outDir }: DemoOptions, ports: HttpPorts): string {
  const file = join(outDir, 'device.yaml');
  const config = {
    report: { stateIntervalS: 0.5 },
    power: { simulatedLink: SIMULATED_LINK[link] },
    http: { listen: ports.device, pictures: true },
  };
  writeFileSync(file, `${JSON.stringify(config, null, 2)}\n`); // JSON is YAML
  return file;
}
