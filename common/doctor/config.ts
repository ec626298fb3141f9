import { messageOf } from '../errors.js';
import { fail, pass, single, type Probe } from './checks.js';

/** The configuration of a program, or null, and the check that says which. */
export function readConfig<T>(file: string | null, load: () => T): { config: T | null; probe: Probe } {
  try {
    const config = load();
    const from = file === null ? 'defaults, environment and flags (no file)' : file;
    return { config, probe: single('config', 'configuration', () => pass(from)) };
  } catch (error) {
    const detail = messageOf(error).replaceAll('\n', '; ');
    const verdict = fail(detail, 'mend that key (docs/configuration.md); what depends on it was not checked');
    return { config: null, probe: single('config', 'configuration', () => verdict) };
  }
}
