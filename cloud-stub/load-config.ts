import { loadConfig } from '../common/config/load.js';
import { cloudConfigSchema, type CloudConfig } from './config.js';

/**
 * The server's configuration from file, environment and flags.
 * @throws EdgemuxError CONFIG_UNREADABLE, CONFIG_UNKNOWN_KEY, CONFIG_INVALID
 */
export function cloudConfig(file: string | null, flags: Record<string, unknown>): CloudConfig {
  return loadConfig(cloudConfigSchema, {
    file,
    env: process.env,
    envPrefix: 'EDGEMUX_CLOUD',
    envIgnored: [/^EDGEMUX_CLOUD_CONFIG$/],
    flags,
  });
}
