import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from './broker.js';

export interface Certs {
  ca: string;
  server: { cert: string; key: string };
  client: { cert: string; key: string };
}

/** For node-tap's `skip`: false, or what is missing. */
export function withoutOpenssl(): false | string {
  return findProgram('openssl') === null ? 'openssl is not installed' : false;
}

/** An authority of its own in `folder`, and what it vouches for: a server at 127.0.0.1 and a client. */
export function makeCerts(folder: string): Certs {
  const at = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): Buffer => execFileSync('openssl', args, { stdio: 'ignore' });
  const keyArgs = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...keyArgs,
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
    '-days',
    '2',
    '-subj',
    '/CN=CA',
  );
  const signed = (name: string, extensions: string): { cert: string; key: string } => {
    const files = { cert: at(`${name}.pem`), key: at(`${name}.key`) };
    writeFileSync(at('ext'), extensions);
    openssl('req', ...keyArgs, '-keyout', files.key, '-out', at('csr'), '-subj', `/CN=${name}`);
    openssl(
      ...['x509', '-req', '-in', at('csr'), '-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial'],
      ...['-out', files.cert, '-days', '2', '-extfile', at('ext')],
    );
    return files;
  };
  return {
    ca: at('ca.pem'),
    server: signed('server', 'subjectAltName=IP:127.0.0.1\n'),
    client: signed('client', 'extendedKeyUsage=clientAuth\n'),
  };
}
