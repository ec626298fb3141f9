import { z } from 'zod';
import { amount, count, finite, readMessage, text } from './json.js';
import { devicePolicySchema } from './policy.js';
import { ROUTES } from './result.js';

export const HEALTH = ['ok', 'warning', 'failed'] as const;
export type Health = (typeof HEALTH)[number];

const causes = z.record(z.string().max(64), count);

/** Counted since the daemon started. received + extraFrames = sum of refused + ignoredRetained + admitted. */
export const deviceCountersSchema = z.object({
  /** Camera messages. */
  received: count,
  /** Failed the size or type check, by cause. */
  refused: causes,
  ignoredRetained: count,
  /** Frames beyond the first that the regions of a camera made of a message. */
  extraFrames: count.default(0),
  admitted: count,
  /** Admitted and without a result, by cause. */
  drops: causes,
  results: count,
  routes: z.record(z.enum(ROUTES), count),
  lateAnswers: count,
  badAnswers: count,
  /** Answers of servers that were not asked. */
  foreignAnswers: count.default(0),
  /** Time stamps of cameras that are none. */
  oddCapturedAt: count.default(0),
  /** Times that the journal failed. */
  journalErrors: count.default(0),
  /** Results that were published while no file held them: a crash, or a stop without broker, loses them. */
  unjournaled: count.default(0),
  /** Damaged journals that were kept under another name. */
  journalsSetAside: count.default(0),
  /** Times that files of the journal were deleted, moved, replaced or cut under the running program. */
  journalsLost: count.default(0),
  /** Delivered results whose record in the journal went with its files. */
  recordsLost: count.default(0),
  /** Over the life of the journal: runs that did not stop, whose unfinished frames have neither result nor drop. */
  uncleanRestarts: count.default(0),
  /** Records of the journal's append file that the last death left torn; none of them had been published. */
  tornRecords: count.default(0),
  /** Results that the broker does not take, left to the next run of the device. */
  parked: count.default(0),
  /** Results that will not be delivered, by cause. */
  givenUp: causes.default({}),
});
export type DeviceCounters = z.infer<typeof deviceCountersSchema>;

/** What one rail measured over a window; null where it has not measured yet. */
export const railPowerSchema = z.object({
  rail: text,
  powerW: z.object({ mean: finite, min: finite, max: finite }).nullable(),
  /** Since the daemon started. */
  energyJ: finite.nullable(),
  voltageV: finite.nullable(),
  currentA: finite.nullable(),
  /** Samples in the window. */
  samples: count,
  simulated: z.boolean(),
});
export type RailPower = z.infer<typeof railPowerSchema>;

/** Every second, QoS 0. */
export const powerMessageSchema = z.object({
  device: text,
  /** End of the window, ISO 8601 in UTC. */
  at: z.iso.datetime(),
  windowMs: amount,
  rails: z.array(railPowerSchema),
  /** True where any rail is simulated. */
  simulated: z.boolean(),
});
export type PowerMessage = z.infer<typeof powerMessageSchema>;

const railStateSchema = z.object({
  rail: text,
  /** Kind of sensor, e.g. `ina226`, `sysfs`, `simulated`. */
  sensor: text,
  simulated: z.boolean(),
  health: z.enum(HEALTH),
  rateHz: amount.nullable().default(null),
  /** Rail that contains this one. */
  within: text.nullable().default(null),
  /** Whether the power of the device is the sum of this rail and its like. */
  counted: z.boolean().default(true),
});

/** How the device asks one server. */
const limiterStateSchema = z.object({
  /** `open`: requests kept failing, none is sent; `half-open`: one is sent to see whether that has changed. */
  breaker: z.enum(['closed', 'open', 'half-open']),
  /** Requests that may be in flight now, and that are. */
  window: count,
  inFlight: count,
  /** Left of the pause that a refusal has imposed. */
  pauseMs: amount,
  /** Since the daemon started: requests answered, requests that failed, how often the breaker opened, and probes. */
  answers: count,
  failures: count,
  opened: count,
  probes: count,
});
export type LimiterState = z.infer<typeof limiterStateSchema>;

/** A server as this device sees it. */
const seenServerSchema = z.object({
  server: text,
  state: z.enum(['online', 'draining', 'offline']),
  zooHash: text.nullable().default(null),
  /** Whether requests go there: online, of the same zoo and the same protocol. */
  usable: z.boolean(),
  /** Where it was asked. */
  offload: z.exactOptional(limiterStateSchema),
});

/** How the device asks servers, all together: the best breaker, the sum of the windows, the shortest pause. */
const offloadStateSchema = limiterStateSchema.pick({
  breaker: true,
  window: true,
  pauseMs: true,
  opened: true,
  probes: true,
});

/** Every 10 s and on change, retained. */
export const deviceStateSchema = z.object({
  device: text,
  version: text,
  zoo: z.object({ name: text, version: text, hash: text }),
  /** Execution provider really in use. */
  provider: text,
  policy: devicePolicySchema,
  counters: deviceCountersSchema,
  queue: z.object({
    /** Cameras with a frame waiting. */
    waiting: count,
    /** Admitted frames between their start and their result. */
    inFlight: count,
    /** Requests sent and not answered. */
    offloaded: count.default(0),
    /** Results not delivered yet. */
    outbox: count.default(0),
  }),
  offload: z.exactOptional(offloadStateSchema),
  servers: z.array(seenServerSchema),
  rails: z.array(railStateSchema),
  /** Over all rails that are counted as the device's input; null where nothing measures. */
  power: z
    .object({
      meanW: finite,
      energyJ: finite,
      simulated: z.boolean(),
      /** Frames with an energy, those of them over a bridged gap, and frames without: what means are means of. */
      frames: z.exactOptional(z.object({ measured: count, bridged: count, unmeasured: count })),
    })
    .nullable(),
  health: z.object({ status: z.enum(HEALTH), warnings: z.array(z.string().max(1024)) }),
  uptimeS: amount,
  /** True where the broker takes no longer state: machine, rails and most servers and warnings are left out. */
  shortened: z.exactOptional(z.literal(true)),
  /** About the machine, for people. */
  host: z.record(z.string(), z.unknown()),
});
export type DeviceState = z.infer<typeof deviceStateSchema>;

/** Reads a device's state. @throws MESSAGE_INVALID */
export function parseDeviceState(payload: Uint8Array): DeviceState {
  return readMessage('device state', deviceStateSchema, payload);
}

/** Reads a power message. @throws MESSAGE_INVALID */
export function parsePowerMessage(payload: Uint8Array): PowerMessage {
  return readMessage('power', powerMessageSchema, payload);
}
