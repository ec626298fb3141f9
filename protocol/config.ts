import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { EdgemuxError, messageOf } from '../common/errors.js';
import type { ConnectorOptions } from './connector.js';

/** A name that can stand in a topic. */
export const nameSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 characters of A-Z a-z 0-9 _ -');

/** The `broker` section, the same for device and server. */
export const brokerSchema = z.strictObject({
  url: z
    .string()
    .regex(/^(mqtt|mqtts|tcp|ssl):\/\//, 'must begin with mqtt:// or mqtts://')
    .default('mqtt://127.0.0.1:1883')
    .meta({ description: 'MQTT broker' }),
  baseTopic: nameSchema
    .default('edgemux')
    .meta({ description: 'first level of all topics that edgemux publishes' }),
  version: z
    .enum(['auto', '5', '3.1.1'])
    .default('auto')
    .meta({ description: 'MQTT version; auto takes 5 where the broker speaks it' }),
  keepaliveS: z
    .number()
    .int()
    .min(1)
    .max(3600)
    .default(10)
    .meta({ unit: 's', description: 'MQTT keep-alive' }),
  username: z.string().nullable().default(null).meta({ description: 'user name for the broker' }),
  passwordFile: z
    .string()
    .nullable()
    .default(null)
    .meta({ description: 'file whose first line is the password' }),
  caFile: z.string().nullable().default(null).meta({ description: 'certificate authority for mqtts' }),
  certFile: z.string().nullable().default(null).meta({ description: 'client certificate for mutual TLS' }),
  keyFile: z.string().nullable().default(null).meta({ description: 'key of the client certificate' }),
});

export type BrokerConfig = z.output<typeof brokerSchema>;

/**
 * The configured broker in the form that a connection takes. The password is the first line of its file and stands
 * nowhere else. @throws EdgemuxError CONFIG_INVALID where the file cannot be read
 */
export function connectionOptions(config: BrokerConfig): Omit<ConnectorOptions, 'clientId' | 'will'> {
  return {
    url: config.url,
    version: config.version === '3.1.1' ? 4 : config.version === '5' ? 5 : 'auto',
    keepaliveS: config.keepaliveS,
    username: config.username ?? undefined,
    password: config.passwordFile === null ? undefined : firstLine(config.passwordFile),
    tls: {
      ca: config.caFile ?? undefined,
      cert: config.certFile ?? undefined,
      key: config.keyFile ?? undefined,
    },
  };
}

function firstLine(file: string): string {
  try {
    return readFileSync(file, 'utf8').split(/\r?\n/)[0] ?? '';
  } catch (error) {
    throw new EdgemuxError(
      'CONFIG_INVALID',
      `broker.passwordFile ${file} cannot be read: ${messageOf(error)}`,
      {
        cause: error,
      },
    );
  }
}
