import { z } from 'zod';
import { loadConfig } from '../common/config/load.js';
import { hostName } from '../common/host-name.js';
import { logSchema, watchdogSchema } from '../common/config/sections.js';
import { SERVER_MODES } from '../common/policy-names.js';
import { httpSchema } from '../http/config.js';
import { inferenceSchema, SHIPPED_ZOO } from '../mux/config.js';
import { brokerSchema, nameSchema } from '../protocol/config.js';

const MIB = 1024 * 1024;

const imagesSchema = z.strictObject({
  maxBytes: z
    .number()
    .int()
    .min(1024)
    .max(256 * MIB)
    .default(16 * MIB)
    .meta({ unit: 'bytes', description: 'a larger image is answered with an error' }),
  maxPixels: z
    .number()
    .int()
    .min(1)
    .max(1_000_000_000)
    .default(40_000_000)
    .meta({ unit: 'pixels', description: 'an image with more pixels is answered with an error, undecoded' }),
  maxWholePixels: z.number().int().min(1).max(1_000_000_000).nullable().default(null).meta({
    unit: 'pixels',
    description:
      'the same for what cannot shrink while it is decoded: PNG, WebP, progressive JPEG; null: 16 times the largest input of the networks, at least 9000000',
  }),
});

const queueSchema = z.strictObject({
  maxRequests: z.number().int().min(1).max(100_000).default(64).meta({
    unit: 'requests',
    description: 'beyond this many waiting requests a new one is refused at once',
  }),
  maxBytes: z
    .number()
    .int()
    .min(1024)
    .default(64 * MIB)
    .meta({
      unit: 'bytes',
      description: 'beyond these bytes of waiting images a new one is refused at once',
    }),
  depth: z.number().int().min(1).max(4096).default(16).meta({
    unit: 'requests',
    description: 'requests in work at a time: decoding, waiting for a batch, running; at least two batches',
  }),
});

const batchingSchema = z.strictObject({
  sizes: z
    .array(z.number().int().min(1).max(1024))
    .min(1)
    .refine((sizes) => sizes.every((size, i) => size > (sizes[i - 1] ?? 0)), 'must rise')
    .default([1, 2, 4, 8, 16])
    .meta({
      unit: 'images',
      description:
        'sizes that a batch may have, rising; all are run at start (a GPU tunes each); [1]: no batches',
    }),
  delayMs: z.number().min(0).max(1000).default(0).meta({
    unit: 'ms',
    description: 'how long an image waits for company while its model is idle; 0 takes what is there',
  }),
});

/** null: as the zoo's manifest says. */
const policySchema = z.strictObject({
  mode: z
    .enum(['zoo', ...SERVER_MODES])
    .default('zoo')
    .meta({
      description: "which models answer; zoo: what the zoo's manifest says, without a group its largest",
    }),
  mu: z.number().min(0).nullable().default(null).meta({
    description: "single, escalate: price of a run of the dearest model, in probability; null: the zoo's",
  }),
  T: z
    .number()
    .min(0)
    .max(1)
    .nullable()
    .default(null)
    .meta({ description: "ensemble: models with a weight above this run; null: the zoo's" }),
  confidence: z
    .number()
    .min(0)
    .max(1)
    .nullable()
    .default(null)
    .meta({ description: "escalate: goes up while the answer is less sure than this; null: the zoo's" }),
  combine: z.boolean().nullable().default(null).meta({
    description: 'escalate: whether all models that ran answer together, or the last one; null: together',
  }),
});

const reloadSchema = z.strictObject({
  checkS: z.number().min(0).max(3600).default(5).meta({
    unit: 's',
    description: 'how often the manifest is looked at for changes; 0: only SIGHUP reloads',
  }),
});

const reportSchema = z.strictObject({
  statusIntervalS: z
    .number()
    .min(0.1)
    .max(3600)
    .default(10)
    .meta({ unit: 's', description: 'period of the status topic' }),
});

const shareSchema = z.strictObject({
  enabled: z.boolean().default(false).meta({
    description:
      'also takes requests to any server of the group (devices: offload.share), where the broker delivers shared subscriptions',
  }),
  secretFile: z.string().nullable().default(null).meta({
    description:
      "file (mode 600) whose first line makes the group's name unguessable, the same on all its servers; null: the systemd credential share-secret, if any",
  }),
});

/** The server's configuration: type, default, unit and description of every key, in one place. */
export const cloudConfigSchema = z.strictObject({
  server: nameSchema
    .default(hostName())
    .meta({ description: "this server's name in topics", shownDefault: "the host's name" }),
  group: nameSchema.default('edgemux').meta({
    description:
      'servers of one group share the requests to any of them (share) and those of devices of protocol 1',
  }),
  share: shareSchema.prefault({}),
  legacy: z.boolean().default(true).meta({
    description:
      'also answers devices of protocol 1 (edgemux 0.1.0), as far as the broker grants it; false once all are upgraded',
  }),
  zoo: z.string().default(SHIPPED_ZOO).meta({
    description: 'model zoo folder (holds manifest.json)',
    shownDefault: 'the shipped fashion-mnist',
  }),
  policy: policySchema.prefault({}),
  reload: reloadSchema.prefault({}),
  broker: brokerSchema.prefault({}),
  images: imagesSchema.prefault({}),
  queue: queueSchema.prefault({}),
  batching: batchingSchema.prefault({}),
  inference: inferenceSchema.prefault({}),
  report: reportSchema.prefault({}),
  http: httpSchema({
    port: 8091,
    tokenFile: 'edgemux-cloud-data/http-token',
    shownTokenFile: 'edgemux-cloud-data/http-token',
  }).prefault({}),
  watchdog: watchdogSchema.prefault({}),
  log: logSchema.prefault({}),
});

export type CloudConfig = z.output<typeof cloudConfigSchema>;

/**
 * The server's configuration from file, environment and flags.
 * @throws EdgemuxError CONFIG_UNREADABLE, CONFIG_UNKNOWN_KEY, CONFIG_INVALID
 */
export function cloudConfig(file: string | null, flags: Record<string, unknown>): CloudConfig {
  return loadConfig(cloudConfigSchema, {
    file,
    env: process.env,
    envPrefix: 'EDGEMUX_CLOUD',
    envIgnored: [/^EDGEMUX_CLOUD_CONFIG$/],
    flags,
  });
}

/** Command line flags of `edgemux-cloud run` and the keys that they set. */
export const CLOUD_FLAGS: Record<string, string> = {
  broker: 'broker.url',
  server: 'server',
  group: 'group',
  zoo: 'zoo',
  policy: 'policy.mode',
  mu: 'policy.mu',
  T: 'policy.T',
  provider: 'inference.providers',
  'http-listen': 'http.listen',
  'log-level': 'log.level',
  'log-format': 'log.format',
};
