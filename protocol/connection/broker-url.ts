import { EdgemuxError } from '../../common/errors.js';
import { withoutUserPart } from '../../common/redact.js';

/** Where a broker listens, and how it is spoken to. */
export interface BrokerAddress {
  host: string;
  port: number;
  tls: boolean;
  /** From `mqtt://user:password@host`; options win over these. */
  username?: string;
  password?: string;
}

const PLAIN = ['mqtt:', 'tcp:'];
const TLS = ['mqtts:', 'ssl:', 'tls:'];

/**
 * Reads a broker's URL: `mqtt://host[:1883]` (or `tcp://`), `mqtts://host[:8883]` (or `ssl://`, `tls://`).
 * @throws CONFIG_INVALID; the text never repeats what stands before the `@`
 */
export function parseBrokerUrl(url: string): BrokerAddress {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || parsed.hostname === '' || ![...PLAIN, ...TLS].includes(parsed.protocol)) {
    throw new EdgemuxError(
      'CONFIG_INVALID',
      `broker URL ${JSON.stringify(withoutUserPart(url).slice(0, 200))} is not mqtt://host:port or mqtts://host:port`,
      { details: { key: 'broker' } },
    );
  }
  const tls = TLS.includes(parsed.protocol);
  return {
    host: parsed.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: parsed.port === '' ? (tls ? 8883 : 1883) : Number(parsed.port),
    tls,
    ...(parsed.username === '' ? {} : { username: decoded(parsed.username) }),
    ...(parsed.password === '' ? {} : { password: decoded(parsed.password) }),
  };
}

/** `host:port`, for logs and errors. */
export function addressText(address: BrokerAddress): string {
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
