import { hostname } from 'node:os';

/** The host's name as a name for topics: what cannot stand there becomes a dash. */
export function hostName(): string {
  return (
    hostname()
      .replaceAll(/[^A-Za-z0-9_-]/g, '-')
      .slice(0, 64) || 'host'
  );
}
