import { EdgemuxError } from '../../common/errors.js';
import { withoutUserPart } from '../../common/redact.js';

/** Where a broker listens, and how it is spoken to. */
export interface BrokerAddress {
  host: string;
  port: number;
  tls: boolean;
  /** Path of the WebSocket; absent where MQTT goes over TCP itself. */
  path?: string;
  /** From `mqtt://user:password@host`; options win over these. */
  username?: string;
  password?: string;
}

/** Default ports: IANA's for MQTT (1883, 8883), those of HTTP for WebSockets (RFC 6455, clause 3). */
const PORTS: Readonly<Record<string, number>> = {
  'mqtt:': 1883,
  'tcp:': 1883,
  'mqtts:': 8883,
  'ssl:': 8883,
  'tls:': 8883,
  'ws:': 80,
  'wss:': 443,
};
const TLS = ['mqtts:', 'ssl:', 'tls:', 'wss:'];
const WEB_SOCKET = ['ws:', 'wss:'];

/**
 * Reads a broker's URL: `mqtt://host[:1883]` (or `tcp://`), `mqtts://host[:8883]` (or `ssl://`, `tls://`),
 * `ws://host[:80]/path`, `wss://host[:443]/path`.
 * @throws CONFIG_INVALID; the text never repeats what stands before the `@`
 */
export function parseBrokerUrl(url: string): BrokerAddress {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  const usualPort = parsed === null ? undefined : PORTS[parsed.protocol];
  if (parsed === null || parsed.hostname === '' || usualPort === undefined) {
    throw new EdgemuxError(
      'CONFIG_INVALID',
      `broker URL ${JSON.stringify(withoutUserPart(url).slice(0, 200))} is not mqtt://host:port, mqtts://host:port, ws://host:port/path or wss://host:port/path`,
      { details: { key: 'broker' } },
    );
  }
  const tls = TLS.includes(parsed.protocol);
  return {
    host: parsed.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: parsed.port === '' ? usualPort : Number(parsed.port),
    tls,
    ...(WEB_SOCKET.includes(parsed.protocol) ? { path: parsed.pathname + parsed.search } : {}),
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
