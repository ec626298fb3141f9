import { EdgemuxError, messageOf } from '../../common/errors.js';

/** What kept a connection from being made, or ended it. */
export type FailureKind =
  | 'refused' // nothing listens
  | 'dns' // the host name has no address
  | 'network' // no way to the host, or the connection broke
  | 'timeout' // no answer in time, or the keepalive ran out
  | 'tls' // certificate or handshake
  | 'credentials' // user name, password or rights
  | 'version' // the broker does not speak this MQTT version
  | 'closed' // the broker closed the connection before it answered
  | 'takeover' // another program uses our client id
  | 'broker' // the broker gave another reason
  | 'stopped'; // we stopped

const BY_CODE: Record<string, FailureKind> = {
  ECONNREFUSED: 'refused',
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  EAI_FAIL: 'dns',
  ETIMEDOUT: 'timeout',
  EPROTO: 'tls',
  EPIPE: 'network',
  ECONNRESET: 'network',
  EHOSTUNREACH: 'network',
  ENETUNREACH: 'network',
};
const TLS_CODE = /^ERR_(TLS|SSL|OSSL)|CERT|SELF_SIGNED|UNABLE_TO_|ISSUER|CRL|INVALID_CA|INVALID_PURPOSE/;
/** CONNACK codes of MQTT 3.1.1 (1–5) and reason codes of MQTT 5 (from 128). */
const BY_REASON: Record<number, FailureKind> = {
  1: 'version',
  4: 'credentials',
  5: 'credentials',
  132: 'version',
  134: 'credentials',
  135: 'credentials',
  138: 'credentials',
  140: 'credentials',
  141: 'timeout',
  142: 'takeover',
};

/** A BROKER_UNREACHABLE whose `details.kind` tells the causes apart. */
export function failure(kind: FailureKind, message: string, cause?: unknown): EdgemuxError {
  return new EdgemuxError('BROKER_UNREACHABLE', message, {
    details: { kind },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** The kind of a failure made here; `broker` for anything else. */
export function kindOf(error: unknown): FailureKind {
  const kind = error instanceof EdgemuxError ? error.details['kind'] : undefined;
  return typeof kind === 'string' ? (kind as FailureKind) : 'broker';
}

/** Translates what socket, TLS or MQTT client threw while speaking to `address`, in words for people. */
export function failureOf(error: unknown, address: string): EdgemuxError {
  if (error instanceof EdgemuxError) return error;
  const code = codeOf(error);
  const kind = typeof code === 'number' ? (BY_REASON[code] ?? 'broker') : kindOfText(code, messageOf(error));
  return failure(kind, describe(kind, address, detail(error)), error);
}

function kindOfText(code: string, message: string): FailureKind {
  if (BY_CODE[code] !== undefined && code !== 'EPROTO') return BY_CODE[code];
  if (code === 'EPROTO' || TLS_CODE.test(code)) return 'tls';
  if (/connection closed/i.test(message)) return 'network';
  return /timeout/i.test(message) ? 'timeout' : 'broker';
}

/** The broker answered, and said no to `what`: for want of rights, mostly. */
export function refusal(what: string): EdgemuxError {
  return failure('credentials', `the broker refuses the ${what}: has this user the right to it?`);
}

/**
 * True where sending the same again is no use: the broker answered with a reason code, or the message itself is
 * impossible. False where the connection was lost.
 */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof EdgemuxError)) return false;
  if (error.code !== 'BROKER_UNREACHABLE') return true;
  return reasonOf(error) !== null;
}

/** The reason code that the broker gave (MQTT 5, clause 2.4), or null where it gave none. */
export function reasonOf(error: unknown): number | null {
  const code = error instanceof EdgemuxError ? codeOf(error.cause) : '';
  return typeof code === 'number' ? code : null;
}

function describe(kind: FailureKind, address: string, detail: string): string {
  switch (kind) {
    case 'refused':
      return `nothing listens at ${address} (${detail}): is the broker running?`;
    case 'dns':
      return `the host name of ${address} cannot be resolved (${detail})`;
    case 'network':
      return `the network connection to ${address} broke or cannot be made (${detail})`;
    case 'timeout':
      return `${address} did not answer in time (${detail}): is it an MQTT broker, and is the way to it free?`;
    case 'tls':
      return `TLS with ${address} failed (${detail}): check port, CA file and host name of the certificate`;
    case 'credentials':
      return `the broker at ${address} refuses user name, password or rights (${detail})`;
    case 'version':
      return `the broker at ${address} does not speak this MQTT version (${detail})`;
    case 'takeover':
      return `another program took over our connection to ${address} (${detail}): two of the same name?`;
    default:
      return `the broker at ${address} ended the connection (${detail})`;
  }
}

/** The code of an error; of the first of several where a name has more than one address. */
function codeOf(error: unknown): string | number {
  if (typeof error !== 'object' || error === null) return '';
  const { code } = error as { code?: unknown };
  if (typeof code === 'string' || typeof code === 'number') return code;
  return error instanceof AggregateError ? codeOf(error.errors[0]) : '';
}

function detail(error: unknown): string {
  const text = messageOf(error);
  return (text === '' ? String(codeOf(error)) : text).slice(0, 300);
}

/** There is no connection because it was stopped, or never started. */
export function stopped(): EdgemuxError {
  return failure('stopped', 'the MQTT connection is stopped');
}
