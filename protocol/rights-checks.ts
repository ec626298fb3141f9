/** Whether the broker grants what a program reads, and takes what it writes: doctor's checks of an account's rights. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fail, pass, type Verdict } from '../common/doctor/checks.js';
import { messageOf } from '../common/errors.js';
import type { Connection, MessageHandler } from './connection/connection.js';
import type { ConnectedChecks } from './doctor.js';

/** Cameras send some pictures a second. */
const LISTEN_MS = 1000;

export interface OwnTopics {
  /** Filters that the program subscribes to. */
  reads: readonly string[];
  /** A topic that nobody listens to, for each kind that the program writes; brokers of MQTT 3.1.1 cannot refuse it. */
  writes: readonly string[];
}

/** The check `rights`. */
export function rightsChecks(topics: () => Promise<OwnTopics>): ConnectedChecks {
  return {
    checks: { rights: 'rights' },
    run: async (connection, report) => {
      const { reads, writes } = await topics();
      const problems = [
        ...(await refusedFilters(connection, reads, () => undefined)).map((filter) => `to read ${filter}`),
        ...(await refusedTopics(connection, writes)).map((topic) => `to write ${topic}`),
      ];
      report('rights', rightsVerdict(problems, connection.protocolVersion));
    },
  };
}

/** The check `cameras`: the subscriptions to frames, and whether one comes. */
export function camerasChecks(filters: readonly string[]): ConnectedChecks {
  return {
    checks: { cameras: 'cameras' },
    run: async (connection, report) => {
      let seen: string | null = null;
      let heard = (): void => undefined;
      const first = new Promise<void>((resolve) => (heard = resolve));
      const refused = await refusedFilters(
        connection,
        filters,
        ({ topic }) => {
          seen ??= topic;
          heard();
        },
        () => Promise.race([first, sleep(LISTEN_MS)]),
      );
      report('cameras', camerasVerdict(filters, refused, seen));
    },
  };
}

/** Subscribes to each filter, waits for `meanwhile`, and leaves them; resolves with those that were refused. */
async function refusedFilters(
  connection: Connection,
  filters: readonly string[],
  handler: MessageHandler,
  meanwhile: () => Promise<unknown> = () => Promise.resolve(),
): Promise<string[]> {
  const refused: string[] = [];
  for (const filter of filters) {
    await connection
      .subscribe(filter, { qos: 0, retained: false }, handler)
      .catch(() => refused.push(filter));
  }
  if (refused.length < filters.length) await meanwhile();
  for (const filter of filters) await connection.unsubscribe(filter).catch(() => undefined);
  return refused;
}

async function refusedTopics(connection: Connection, topics: readonly string[]): Promise<string[]> {
  const refused: string[] = [];
  for (const topic of topics) {
    await connection
      .publish(topic, '', { qos: 1 })
      .catch((error: unknown) => refused.push(`${topic} (${messageOf(error)})`));
  }
  return refused;
}

function rightsVerdict(problems: readonly string[], version: 4 | 5 | null): Verdict {
  if (problems.length > 0)
    return fail(
      `the broker refuses this user ${problems.join(', ')}`,
      "give the broker's user the rights of its role (systemd/mosquitto/acl.sh prints them)",
    );
  return pass(
    version === 5
      ? 'the broker grants what this program reads and writes'
      : 'the broker grants what this program reads; over MQTT 3.1.1 it cannot say whether it takes what is written',
  );
}

function camerasVerdict(
  filters: readonly string[],
  refused: readonly string[],
  seen: string | null,
): Verdict {
  if (refused.length > 0)
    return fail(
      `the broker refuses this user to read ${refused.join(', ')}: no frame arrives`,
      "give the broker's user the right to read it, or mend cameras.topics",
    );
  const granted = `the broker grants ${filters.join(', ')}`;
  return seen === null
    ? pass(`${granted}; no frame came within ${LISTEN_MS / 1000} s, so whether it delivers them is not seen`)
    : pass(`${granted}; a frame came on ${seen}`);
}
