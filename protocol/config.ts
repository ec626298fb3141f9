import { z } from 'zod';
import { EdgemuxError } from '../common/errors.js';
import type { ConnectorOptions } from './connection/connector.js';
import { assertFile, assertPrivate, brokerPassword } from './connection/credentials.js';

export { shareSecret } from './connection/credentials.js';

/** A name that can stand in a topic. */
export const nameSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 characters of A-Z a-z 0-9 _ -');

/** The `broker` section, the same for device and server. */
export const brokerSchema = z.strictObject({
  url: z
    .string()
    .regex(/^(mqtts?|tcp|ssl|tls|wss?):\/\//, 'must begin with mqtt://, mqtts://, ws:// or wss://')
    .refine(
      (url) => !/\/\/[^@]*:.*@/.test(url),
      'holds a password, which the process list would show: put it into a file, named by broker.passwordFile',
    )
    .default('mqtt://127.0.0.1:1883')
    .meta({
      description: 'MQTT broker: mqtt://, mqtts://, or over WebSockets ws:// and wss:// with their path',
    }),
  clientId: z
    .string()
    .regex(/^[\x21-\x7e]{1,128}$/, 'must be 1 to 128 printable ASCII characters without spaces')
    .nullable()
    .default(null)
    .meta({
      description: 'MQTT client id, where the broker prescribes it; no two programs may have the same',
      shownDefault: 'edgemux-<device>, or edgemux-cloud.<server>',
    }),
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
  passwordFile: z.string().nullable().default(null).meta({
    description:
      'file (mode 600) whose first line is the password; null: the systemd credential broker-password, if any',
  }),
  caFile: z.string().nullable().default(null).meta({ description: 'certificate authority for mqtts' }),
  certFile: z.string().nullable().default(null).meta({ description: 'client certificate for mutual TLS' }),
  keyFile: z
    .string()
    .nullable()
    .default(null)
    .meta({ description: 'key of the client certificate (mode 600)' }),
});

export type BrokerConfig = z.output<typeof brokerSchema>;

/**
 * The client ids of programs that are not told one. A name holds no dot, so a device and a server never share an id,
 * whatever they are called.
 */
export const clientIds = {
  device: (device: string, { clientId }: BrokerConfig): string => clientId ?? `edgemux-${device}`,
  server: (server: string, { clientId }: BrokerConfig): string => clientId ?? `edgemux-cloud.${server}`,
};

/** Largest part of a packet that is no image: topic, properties and whatever else is said. */
const OVERHEAD_BYTES = 1024 * 1024;

/**
 * The configured broker in the form that a connection takes. The password is the first line of its file, or a systemd
 * credential, and stands nowhere else.
 *
 * @param maxImageBytes largest image that is taken in, null where none is; packets of more than twice that (base64 takes a third more) are
 *   not even received, so that what is a little too large is still refused and counted
 * @throws EdgemuxError CONFIG_INVALID where a file cannot be read, or one with a secret is open to everybody
 */
export function connectionOptions(
  config: BrokerConfig,
  maxImageBytes: number | null = null,
  env: NodeJS.ProcessEnv = process.env,
): Omit<ConnectorOptions, 'clientId' | 'will'> {
  const { caFile, certFile, keyFile, url, username } = config;
  for (const [key, file] of Object.entries({ caFile, certFile })) {
    if (file !== null) assertFile(`broker.${key}`, file);
  }
  if (keyFile !== null) assertPrivate('broker.keyFile', keyFile);
  const password = brokerPassword(config.passwordFile, env);
  if (password !== undefined && username === null && !/\/\/[^/]+@/.test(url)) {
    throw new EdgemuxError(
      'CONFIG_INVALID',
      'there is a password for the broker: broker.username is missing',
    );
  }
  return {
    url,
    version: config.version === '3.1.1' ? 4 : config.version === '5' ? 5 : 'auto',
    keepaliveS: config.keepaliveS,
    username: username ?? undefined,
    password,
    maxIncomingPacketBytes: maxImageBytes === null ? undefined : 2 * maxImageBytes + OVERHEAD_BYTES,
    tls: { ca: caFile ?? undefined, cert: certFile ?? undefined, key: keyFile ?? undefined },
  };
}
