/** Probes of the machine that device and server share: Node.js, the clock, disk, folders and secrets. */
import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { userName } from '../host/user.js';
import { builtAtMs } from '../build-date.js';
import { fail, pass, single, skip, warn, type Probe, type Verdict } from './checks.js';

/** engines.node of package.json. */
const LEAST_NODE = [20, 19] as const;
const MIB = 1024 * 1024;
const LEAST_FREE_BYTES = 64 * MIB;

export function nodeProbe(version: string = process.versions.node): Probe {
  return single('node', 'Node.js', () => {
    const [major = 0, minor = 0] = version.split('.').map(Number);
    const detail = `${version}, ${process.platform} ${process.arch}`;
    const enough = major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1]);
    return enough ? pass(detail) : fail(detail, `install Node.js ${LEAST_NODE.join('.')} or newer`);
  });
}

export interface ClockDeps {
  wallMs: () => number;
  /** Output of `timedatectl`; rejects where there is none. */
  timedatectl: () => Promise<string>;
}

const CLOCK: ClockDeps = { wallMs: () => Date.now(), timedatectl: () => outputOf('timedatectl', []) };

/** Whether the kernel counts its clock as synchronised, by whichever daemon. */
export function clockProbe(deps: ClockDeps = CLOCK): Probe {
  return single('clock-sync', 'clock', async () => {
    const remedy = '`sudo timedatectl set-ntp true`, or install chrony';
    const now = new Date(deps.wallMs()).toISOString();
    const builtMs = builtAtMs();
    if (deps.wallMs() < builtMs) {
      const built = new Date(builtMs).toISOString();
      return fail(
        `it is ${now} here, before this program was built (${built}): the clock was never set`,
        remedy,
      );
    }
    const text = await deps.timedatectl().catch(() => '');
    const word = /(?:clock|NTP) synchronized: (yes|no)/.exec(text)?.[1];
    if (word === undefined)
      return skip(`${now}; timedatectl does not answer, so whether it is synchronised is unknown`);
    return word === 'yes' ? pass(`synchronised, ${now}`) : warn(`not synchronised, ${now}`, remedy);
  });
}

/** @param wantedBytes what the program may come to use there */
export function diskProbe(folder: string, wantedBytes: number): Probe {
  return single('disk', 'disk space', () => {
    const { bavail, bsize, ffree, files } = statfsSync(existingParent(folder));
    const freeBytes = bavail * bsize;
    const detail = `${mib(freeBytes)} free for ${folder}`;
    if (freeBytes < LEAST_FREE_BYTES) return fail(detail, 'free some space: results cannot be recorded');
    if (files > 0 && ffree === 0) return fail(`${detail}, but no inode`, 'delete files on that file system');
    const used = `${detail}; the journal may take ${mib(wantedBytes)}`;
    return freeBytes >= wantedBytes ? pass(used) : warn(used, 'free some space, or lower journal.maxBytes');
  });
}

/** The folder that the program writes to, or will make. */
export function folderProbe(folder: string, files: readonly string[]): Probe {
  return single('data-dir', 'data folder', () => {
    const who = userName();
    const own = `\`sudo chown -R ${who} ${resolve(folder)}\`, or run as the user that owns it`;
    if (!existsSync(folder)) {
      const parent = existingParent(folder);
      if (!may(parent, constants.W_OK | constants.X_OK))
        return fail(`${folder} does not exist, and ${who} may not make it in ${parent}`, `make it: ${own}`);
      return pass(`${folder} will be made at start`);
    }
    if (!statSync(folder).isDirectory()) return fail(`${folder} is no folder`, 'set dataDir to a folder');
    if (!may(folder, constants.R_OK | constants.W_OK | constants.X_OK))
      return fail(`${who} may not write to ${folder}`, own);
    const closed = files.find(
      (file) => existsSync(join(folder, file)) && !may(join(folder, file), constants.R_OK | constants.W_OK),
    );
    if (closed !== undefined) return fail(`${who} may not write to ${join(folder, closed)}`, own);
    return pass(`${who} may write to ${folder}`);
  });
}

/** Files that must be readable by us and, as secrets, by nobody else. @param files null where none is set */
export function secretsProbe(files: Readonly<Record<string, string | null>>): Probe {
  return single('secrets', 'secrets', () => {
    const set = Object.entries(files).filter((entry): entry is [string, string] => entry[1] !== null);
    if (set.length === 0) return skip('no password or key file is set');
    const verdicts = set.map(([key, file]) => secretVerdict(key, file));
    const bad = (['fail', 'warn'] as const).map((status) => verdicts.find((one) => one.status === status));
    return bad.find((one) => one !== undefined) ?? pass(verdicts.map(({ detail }) => detail).join('; '));
  });
}

function secretVerdict(key: string, file: string): Verdict {
  if (!existsSync(file)) return fail(`${key}: ${file} does not exist`, 'make the file, or mend the key');
  if (!may(file, constants.R_OK))
    return fail(`${key}: ${userName()} may not read ${file}`, `\`sudo chown ${userName()} ${file}\``);
  const mode = statSync(file).mode & 0o777;
  const octal = mode.toString(8).padStart(4, '0');
  if ((mode & 0o007) !== 0)
    return fail(
      `${key}: ${file} is open to every user (mode ${octal}); a daemon refuses it`,
      `\`sudo chmod 0600 ${file}\``,
    );
  if ((mode & 0o077) !== 0) return warn(`${key}: ${file} has mode ${octal}`, `\`sudo chmod 0600 ${file}\``);
  return pass(`${key}: ${file} has mode ${octal}`);
}

/** What a tool of the system prints. @throws Error where it is missing, fails or takes longer than 3 s */
export function outputOf(program: string, args: readonly string[]): Promise<string> {
  return new Promise((done, reject) => {
    execFile(program, [...args], { timeout: 3000, env: { ...process.env, LC_ALL: 'C' } }, (error, out) =>
      error ? reject(error) : done(out),
    );
  });
}

function may(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

function existingParent(path: string): string {
  let folder = resolve(path);
  while (!existsSync(folder) && folder !== dirname(folder)) folder = dirname(folder);
  return folder;
}

function mib(bytes: number): string {
  return `${Math.floor(bytes / MIB)} MiB`;
}
