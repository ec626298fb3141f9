import { isIP } from 'node:net';
import { z } from 'zod';

/** Where a program listens. */
export interface ListenAddress {
  host: string;
  port: number;
}

const LOOPBACK = '127.0.0.1';
const FORM = 'must be off, on, a port, or an address with a port such as 127.0.0.1:8090 or [::1]:8090';

/** The `http` section; device and server differ in port and place of the token. */
export function httpSchema(program: { port: number; tokenFile: string | null; shownTokenFile: string }) {
  return z.strictObject({
    listen: z
      .union([z.string(), z.int().min(0).max(65_535)])
      .refine((value) => isListen(value), FORM)
      .default('off')
      .meta({
        description: `where health, metrics, API and page are served: off, on (${LOOPBACK}:${program.port}), a port of ${LOOPBACK}, or address:port. Other addresses than loopback want the token for everything`,
      }),
    hosts: z
      .array(z.string().regex(/^[a-z0-9.-]{1,253}$/, 'must be a host name in lower case, without a port'))
      .default([])
      .meta({
        description:
          'names by which browsers may ask, beside localhost and addresses (a proxy’s name, for one); anything else is refused, as a page of another site would be',
      }),
    tokenFile: z.string().nullable().default(program.tokenFile).meta({
      description:
        'file with the token that changes need, and everything from other machines; made where it is missing, mode 600',
      shownDefault: program.shownTokenFile,
    }),
    certFile: z
      .string()
      .nullable()
      .default(null)
      .meta({ description: 'certificate: with http.keyFile, TLS instead of plain HTTP' }),
    keyFile: z.string().nullable().default(null).meta({ description: 'key of the certificate (mode 600)' }),
  });
}

export type HttpConfig = z.output<ReturnType<typeof httpSchema>>;

/** Where to listen, or null for nowhere. @param port where only `on` is said @throws RangeError for what the schema refuses */
export function listenAddress(value: string | number, port: number): ListenAddress | null {
  if (value === 'off') return null;
  if (value === 'on') return { host: LOOPBACK, port };
  if (/^\d+$/.test(String(value))) return { host: LOOPBACK, port: Number(value) };
  const [, bracketed, plain, given] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(String(value)) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || given === undefined) throw new RangeError(FORM);
  return { host, port: Number(given) };
}

function isListen(value: string | number): boolean {
  try {
    const address = listenAddress(value, 0);
    if (address === null) return true;
    return address.port <= 65_535 && (isIP(address.host) !== 0 || address.host === 'localhost');
  } catch {
    return false;
  }
}

/** Whether only this machine can reach the address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^(::ffff:)?127(\.\d{1,3}){3}$/.test(host);
}
