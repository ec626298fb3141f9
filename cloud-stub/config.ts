import { z } from 'zod';
import { hostName } from '../common/host-name.js';
import { logSchema } from '../common/config/sections.js';
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
  depth: z
    .number()
    .int()
    .min(1)
    .max(64)
    .default(2)
    .meta({ unit: 'requests', description: 'requests in work at a time; 2 decodes one while one runs' }),
});

const reportSchema = z.strictObject({
  statusIntervalS: z
    .number()
    .min(0.1)
    .max(3600)
    .default(10)
    .meta({ unit: 's', description: 'period of the status topic' }),
});

/** The server's configuration: type, default, unit and description of every key, in one place. */
export const cloudConfigSchema = z.strictObject({
  server: nameSchema
    .default(hostName())
    .meta({ description: "this server's name in topics", shownDefault: "the host's name" }),
  group: nameSchema.default('edgemux').meta({
    description: 'servers of one group share the requests, where the broker delivers shared subscriptions',
  }),
  zoo: z.string().default(SHIPPED_ZOO).meta({
    description: 'model zoo folder (holds manifest.json)',
    shownDefault: 'the shipped fashion-mnist',
  }),
  policy: z
    .strictObject({
      mode: z
        .enum(['largest'])
        .default('largest')
        .meta({ description: "which models answer; largest: the zoo's most expensive one" }),
    })
    .prefault({}),
  broker: brokerSchema.prefault({}),
  images: imagesSchema.prefault({}),
  queue: queueSchema.prefault({}),
  inference: inferenceSchema.prefault({}),
  report: reportSchema.prefault({}),
  log: logSchema.prefault({}),
});

export type CloudConfig = z.output<typeof cloudConfigSchema>;

/** Command line flags of `edgemux-cloud run` and the keys that they set. */
export const CLOUD_FLAGS: Record<string, string> = {
  broker: 'broker.url',
  server: 'server',
  group: 'group',
  zoo: 'zoo',
  policy: 'policy.mode',
  provider: 'inference.providers',
  'log-level': 'log.level',
};
