import { z } from 'zod';
import { loadConfig } from '../common/config/load.js';
import { hostName } from '../common/host-name.js';
import { logSchema, watchdogSchema } from '../common/config/sections.js';
import { DEVICE_MODES, PRIVACY } from '../common/policy-names.js';
import { nameSchema, brokerSchema } from '../protocol/config.js';
import { CameraPatterns } from '../protocol/topics/topics.js';
import { httpSchema } from '../http/config.js';
import { inferenceSchema, SHIPPED_ZOO } from '../mux/config.js';
import { powerConfigSchema } from '../energy/config.js';

const MIB = 1024 * 1024;

const share = z.number().min(0).max(1);
const regionSchema = z
  .strictObject({ camera: nameSchema, x: share, y: share, width: share.gt(0), height: share.gt(0) })
  // a sum of decimal fractions may be a little off
  .refine(({ x, width }) => x + width <= 1 + 1e-9, { path: ['width'], error: 'x + width is more than 1' })
  .refine(({ y, height }) => y + height <= 1 + 1e-9, {
    path: ['height'],
    error: 'y + height is more than 1',
  });

const camerasSchema = z.strictObject({
  topics: z.array(z.string()).min(1).default(['cameras/{camera}/frame']).meta({
    description: 'topics that carry frames; {camera} names the level that holds the camera, + and # allowed',
  }),
  maxBytes: z
    .number()
    .int()
    .min(1024)
    .max(256 * MIB)
    .default(16 * MIB)
    .meta({ unit: 'bytes', description: 'a larger payload is refused' }),
  payloadPath: z
    .string()
    .max(256)
    .regex(/^[^.]+(\.[^.]+)*$/, 'must be names of members, separated by dots')
    .nullable()
    .default(null)
    .meta({
      description:
        'where a JSON payload holds the image, as base64, data URL or Node-RED buffer: names of members, outermost first, such as params.image',
    }),
  regions: z.record(nameSchema, regionSchema).default({}).meta({
    description:
      "parts of cameras' pictures that are frames of their own, by name: {gate: {camera: door, x: 0.1, y: 0.2, width: 0.3, height: 0.4}} in shares of the sides; a camera with regions has no frame of the whole",
  }),
  damaged: z.enum(['drop', 'answer']).default('drop').meta({
    description:
      'a JPEG of which a part is missing or broken: drop counts it as damaged, answer answers it, with damaged: true in the result',
  }),
  maxWaitingBytes: z
    .number()
    .int()
    .min(MIB)
    .default(256 * MIB)
    .meta({
      unit: 'bytes',
      description: 'beyond these bytes of waiting frames of all cameras a new one is dropped',
    }),
  maxAgeMs: z.number().min(1).max(86_400_000).nullable().default(null).meta({
    unit: 'ms',
    description:
      'a picture that is older than this is dropped as stale: by its captured-at (the clocks must agree), or by how long it is known to have waited on the line from the broker or while this program stood still; null: none is',
  }),
  maxPixels: z
    .number()
    .int()
    .min(1)
    .max(1_000_000_000)
    .default(40_000_000)
    .meta({ unit: 'pixels', description: 'an image with more pixels is refused by its header, undecoded' }),
  maxWholePixels: z.number().int().min(1).max(1_000_000_000).nullable().default(null).meta({
    unit: 'pixels',
    description:
      'the same for what cannot shrink while it is decoded: PNG, WebP, progressive JPEG; null: 16 times the largest input of the networks, at least 9000000',
  }),
});

const agentInferenceSchema = inferenceSchema.extend({
  pipelineDepth: z.number().int().min(1).max(16).default(3).meta({
    unit: 'frames',
    description: 'frames between decode and decision at a time; 3 keep decoder and worker busy',
  }),
});

const policySchema = z.strictObject({
  mode: z
    .enum(['zoo', ...DEVICE_MODES])
    .default('zoo')
    .meta({ description: "how frames are decided; zoo takes the mode that the zoo's manifest recommends" }),
  threshold: z.number().min(0).max(1).nullable().default(null).meta({
    description: "mux score above which a frame is offloaded; default the zoo's, 0.5 where it has none",
  }),
  confidence: z.number().min(0).max(1).nullable().default(null).meta({
    description:
      "least confidence of the device's models to keep a frame (cascade, two-stage, three-tier); default the zoo's",
  }),
  gain: z.number().min(-1).max(1).nullable().default(null).meta({
    description: "three-tier with a gate: need − harm above which a frame is offloaded; default the zoo's",
  }),
  privacy: z.enum(PRIVACY).default('normal').meta({ description: 'strict never sends a frame to a server' }),
});

const breakerSchema = z
  .strictObject({
    failures: z.number().int().min(1).max(1000).default(5).meta({
      unit: 'requests',
      description:
        'so many failures among the last requests (breaker.outcomes), and the device answers at once by itself',
    }),
    outcomes: z
      .number()
      .int()
      .min(1)
      .max(1000)
      .default(10)
      .meta({ unit: 'requests', description: 'requests that breaker.failures looks back on' }),
    probeMs: z.number().min(10).max(3_600_000).default(1000).meta({
      unit: 'ms',
      description: 'pause before one request is tried again; it doubles with each in vain',
    }),
    longestProbeMs: z
      .number()
      .min(10)
      .max(3_600_000)
      .default(30_000)
      .meta({ unit: 'ms', description: 'longest pause between two tries' }),
  })
  .refine(({ failures, outcomes }) => failures <= outcomes, {
    path: ['failures'],
    error: 'must not be more than breaker.outcomes',
  });

const offloadSchema = z
  .strictObject({
    deadlineMs: z.number().min(10).max(60_000).default(500).meta({
      unit: 'ms',
      description: 'a frame has its result this long after admission, from the server or not',
    }),
    window: z.number().int().min(1).max(1024).default(8).meta({
      unit: 'frames',
      description:
        'most requests in flight to one server; beyond it another is asked, or the device answers (window-full)',
    }),
    leastWindow: z.number().int().min(1).max(1024).default(1).meta({
      unit: 'frames',
      description:
        'requests in flight that remain when timeouts and busy servers shrink the window; it grows with answers',
    }),
    share: z.boolean().default(false).meta({
      description:
        'asks any server of the group, where all servers take that (share.enabled), in place of the one with the least load',
    }),
    breaker: breakerSchema.prefault({}),
  })
  .refine(({ leastWindow, window }) => leastWindow <= window, {
    path: ['leastWindow'],
    error: 'must not be more than offload.window',
  });

const journalSchema = z.strictObject({
  maxAgeH: z.number().min(0.01).max(87_600).default(168).meta({
    unit: 'h',
    description: 'results older than this, in hours that the device was running, are deleted',
  }),
  maxBytes: z
    .number()
    .int()
    .min(MIB)
    .default(512 * MIB)
    .meta({
      unit: 'bytes',
      description: 'beyond this size the oldest results are deleted, delivered ones first',
    }),
  mode: z.enum(['off', 'memory', 'disk']).default('disk').meta({
    description:
      'disk: results survive a crash of the program; memory: they wait in memory while the broker is away, at most 64 MiB; off: the newest 4096 do',
  }),
  commitMs: z.number().int().min(10).max(60_000).default(5000).meta({
    unit: 'ms',
    description: 'SQLite takes results this often, together; until then they are in journal.append',
  }),
  sync: z.enum(['normal', 'full']).default('normal').meta({
    description:
      'what a power cut takes: full the results of the last commitMs, normal what the kernel had not written (some 40 s)',
  }),
});

const reportSchema = z.strictObject({
  stateIntervalS: z
    .number()
    .min(0.1)
    .max(3600)
    .default(10)
    .meta({ unit: 's', description: 'period of the state topic' }),
  powerIntervalS: z
    .number()
    .min(0.1)
    .max(3600)
    .default(1)
    .meta({ unit: 's', description: 'period of the power topic' }),
});

const agentHttpSchema = httpSchema({
  port: 8090,
  tokenFile: null,
  shownTokenFile: 'http-token in dataDir',
}).extend({
  pictures: z.boolean().default(false).meta({
    description:
      "whether each camera's last picture is kept in memory and shown; never under privacy: strict",
  }),
});

/** The agent's configuration: type, default, unit and description of every key, in one place. */
export const agentConfigSchema = z.strictObject({
  device: nameSchema
    .default(hostName())
    .meta({ description: "this device's name in topics", shownDefault: "the host's name" }),
  zoo: z.string().default(SHIPPED_ZOO).meta({
    description: 'model zoo folder (holds manifest.json)',
    shownDefault: 'the shipped fashion-mnist',
  }),
  dataDir: z.string().default('edgemux-data').meta({ description: 'folder for the journal' }),
  broker: brokerSchema.prefault({}),
  cameras: camerasSchema.prefault({}),
  inference: agentInferenceSchema.prefault({}),
  policy: policySchema.prefault({}),
  offload: offloadSchema.prefault({}),
  power: powerConfigSchema.prefault({}),
  journal: journalSchema.prefault({}),
  report: reportSchema.prefault({}),
  http: agentHttpSchema.prefault({}),
  watchdog: watchdogSchema.prefault({}),
  log: logSchema.prefault({}),
});

export type AgentConfig = z.output<typeof agentConfigSchema>;

/**
 * The agent's configuration from file, environment and flags.
 * @throws EdgemuxError CONFIG_UNREADABLE, CONFIG_UNKNOWN_KEY, CONFIG_INVALID; TOPIC_INVALID for a camera pattern or device name
 */
export function agentConfig(file: string | null, flags: Record<string, unknown>): AgentConfig {
  const config = loadConfig(agentConfigSchema, {
    file,
    env: process.env,
    envPrefix: 'EDGEMUX',
    envIgnored: [/^EDGEMUX_CLOUD_/, /^EDGEMUX_(CONFIG|ORT|PYTHON|TEST_FULL)$/],
    flags,
  });
  const { broker, cameras, device } = config;
  new CameraPatterns(cameras.topics).assertApartFrom(broker.baseTopic, device);
  return config;
}

/** Command line flags of `edgemux run` and the keys that they set. */
export const AGENT_FLAGS: Record<string, string> = {
  broker: 'broker.url',
  device: 'device',
  zoo: 'zoo',
  topics: 'cameras.topics',
  policy: 'policy.mode',
  threshold: 'policy.threshold',
  'deadline-ms': 'offload.deadlineMs',
  provider: 'inference.providers',
  'data-dir': 'dataDir',
  simulate: 'power.simulate',
  'http-listen': 'http.listen',
  'log-level': 'log.level',
  'log-format': 'log.format',
};
