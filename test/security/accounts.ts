/** A mosquitto with accounts: passwords, rights as the shipped `systemd/mosquitto/acl.sh` prints them. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { connected } from '../support/broker-watch.js';
import { startMosquitto, type MosquittoOptions, type TestBroker } from '../support/broker.js';
import type { Connection } from '../../protocol/connection/connection.js';

export const ROLES = ['camera', 'device', 'server', 'reader', 'operator'] as const;
export type Role = (typeof ROLES)[number];

/** What the shipped script prints for an account. */
export function rightsOf(role: string, name: string): string {
  return execFileSync('sh', ['systemd/mosquitto/acl.sh', role, name], { encoding: 'utf8', stdio: 'pipe' });
}

export function passwordOf(name: string): string {
  return `secret-of-${name}-5dkW`;
}

/** A broker on which the accounts, by name, have their roles, and `everything` may do everything. */
export async function startBrokerWith(
  t: Test,
  accounts: Record<string, Role | readonly string[]>,
  options: MosquittoOptions = {},
): Promise<TestBroker> {
  const dir = t.testdirName;
  const [passwords, acl] = [join(dir, 'passwords'), join(dir, 'acl')];
  const names = [...Object.keys(accounts), 'everything'];
  writeFileSync(passwords, names.map((name) => `${name}:${passwordOf(name)}\n`).join(''), { mode: 0o600 });
  execFileSync('mosquitto_passwd', ['-U', passwords], { stdio: 'ignore' });
  const rights = Object.entries(accounts).flatMap(([name, roles]) =>
    (typeof roles === 'string' ? [roles] : roles).map((role) => rightsOf(role, name)),
  );
  writeFileSync(acl, [...rights, 'user everything', 'topic readwrite #', ''].join('\n'), { mode: 0o600 });
  const lines = [
    ...['allow_anonymous false', `password_file ${passwords}`, `acl_file ${acl}`],
    ...['use_username_as_clientid true', ...(options.lines ?? [])],
  ];
  const broker = await startMosquitto({ ...options, lines });
  t.teardown(() => broker.stop());
  return broker;
}

/** A connection of an account, stopped at teardown. */
export async function connectionOf(
  t: Test,
  broker: TestBroker,
  name: string,
  ca?: string,
): Promise<Connection> {
  const tls = ca === undefined ? {} : { tls: { ca } };
  const connection = await connected(broker.url, {
    username: name,
    password: passwordOf(name),
    version: 4 as const,
    ...tls,
  });
  t.teardown(() => connection.stop());
  return connection;
}
