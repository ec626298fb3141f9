/**
 * Who may ask what. Pages of other sites reach loopback too, so a request must name us as its host (no other site's name can
 * lead here then, RFC 9110 §7.2 and "DNS rebinding") and come from no page of another origin (RFC 6454); what changes
 * something needs the token from everywhere.
 */
import { isIP } from 'node:net';
import { isLoopback } from './config.js';

/** What is known of a request before anything is done with it. */
export interface Asked {
  method: string;
  /** Without the query. */
  path: string;
  /** `Host`, `Origin` and the like, names in lower case. */
  headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The other end of the connection. */
  remote: string;
}

export interface GuardRules {
  /** Names in lower case that we are called by, beside localhost and addresses. */
  hosts: readonly string[];
  /** Paths that anybody may read: they tell no more than that a program is there. */
  open: ReadonlySet<string>;
  isToken: (given: string) => boolean;
  /** What makes a token, for people. */
  tokenCommand: string;
}

/** Why a request is refused; `code` is an HTTP status. */
export interface Refusal {
  status: 401 | 403 | 421;
  message: string;
}

const READS: ReadonlySet<string> = new Set(['GET', 'HEAD']);

/** null: the request may pass. */
export function refusal(asked: Asked, rules: GuardRules): Refusal | null {
  const host = header(asked, 'host');
  const name = hostName(host);
  if (name === null || !isOurs(name, rules.hosts)) {
    const shown = JSON.stringify(host.slice(0, 100));
    return {
      status: 421,
      message: `host ${shown} is none of ours: use an address or localhost, or add the name to http.hosts`,
    };
  }
  if (isForeign(asked, host))
    return { status: 403, message: 'a page of another site asks: nothing is given to it' };
  const reads = READS.has(asked.method);
  if (reads && rules.open.has(asked.path)) return null;
  if (reads && isLoopback(name) && isDirect(asked)) return null;
  const given = /^Bearer +(.+)$/i.exec(header(asked, 'authorization'))?.[1];
  if (given !== undefined && rules.isToken(given)) return null;
  const what = reads ? 'from another machine, or by another name than localhost,' : 'for a change';
  const told = given === undefined ? `${what} the token is needed` : 'this is not the token';
  return {
    status: 401,
    message: `${told}: "Authorization: Bearer …" with what ${rules.tokenCommand} prints`,
  };
}

/** Straight from this machine: a proxy here speaks for others, and says so. */
function isDirect(asked: Asked): boolean {
  return isLoopback(asked.remote) && header(asked, 'forwarded') + header(asked, 'x-forwarded-for') === '';
}

/** By its own word: browsers send both headers, and pages cannot change them. */
function isForeign(asked: Asked, host: string): boolean {
  const origin = header(asked, 'origin');
  if (origin !== '' && hostOf(origin) !== host.toLowerCase()) return true;
  return header(asked, 'sec-fetch-site') === 'cross-site' && header(asked, 'sec-fetch-mode') !== 'navigate';
}

function isOurs(name: string, hosts: readonly string[]): boolean {
  return name === 'localhost' || isIP(name) !== 0 || hosts.includes(name);
}

/** The name in a `Host` header, without port and brackets; null where there is none. */
function hostName(host: string): string | null {
  const [, bracketed, plain] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/@]+))(?::\d{1,5})?$/.exec(host) ?? [];
  return (bracketed ?? plain)?.toLowerCase().replace(/\.$/, '') ?? null;
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}

function header({ headers }: Asked, name: string): string {
  const value = headers[name];
  return typeof value === 'string' ? value : (value?.join(', ') ?? '');
}
