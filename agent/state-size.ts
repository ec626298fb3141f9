import type { DeviceCounters, DeviceState } from '../protocol/messages.js';

/** How often a state can be shortened; 0 is the whole state. */
export const SHORTEST = 2;

/** Servers and warnings that a shortened state names at most, and characters of a warning. */
const FEW = 8;
const WARNING_CHARS = 160;

/** Counters that a reader takes for none where they are left out. */
const NONE_UNLESS_SAID: readonly string[] = [
  'extraFrames',
  'oddCapturedAt',
  'journalErrors',
  'unjournaled',
  'journalsSetAside',
  'journalsLost',
  'recordsLost',
  'uncleanRestarts',
  'tornRecords',
  'parked',
] satisfies (keyof DeviceCounters)[];

/**
 * A state for a broker that takes no larger packet: first without what it says about the machine and its rails, then with
 * counters, queue and the first warning only.
 * @param level 0 to SHORTEST
 */
export function shortened(state: DeviceState, level: number): object {
  if (level <= 0) return state;
  const isShortest = level >= SHORTEST;
  const warnings = state.health.warnings
    .slice(0, isShortest ? 1 : FEW)
    .map((warning) => warning.slice(0, WARNING_CHARS));
  const { offload, ...rest } = state;
  const { mode, thresholds, privacy } = state.policy;
  return {
    ...rest,
    ...(isShortest ? { counters: counted(state.counters), policy: { mode, thresholds, privacy } } : {}),
    ...(isShortest || offload === undefined ? {} : { offload }),
    servers: isShortest ? [] : state.servers.slice(0, FEW),
    rails: [],
    health: { status: state.health.status, warnings },
    host: {},
    shortened: true,
  };
}

function counted(counters: DeviceCounters): object {
  const isNone = (value: number | object): boolean => value === 0 || JSON.stringify(value) === '{}';
  return Object.fromEntries(
    Object.entries<number | object>(counters).filter(
      ([name, value]) => !NONE_UNLESS_SAID.includes(name) || !isNone(value),
    ),
  );
}
