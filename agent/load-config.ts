import { loadConfig } from '../common/config/load.js';
import { agentConfigSchema, type AgentConfig } from './config.js';

/**
 * The agent's configuration from file, environment and flags.
 * @throws EdgemuxError CONFIG_UNREADABLE, CONFIG_UNKNOWN_KEY, CONFIG_INVALID
 */
export function agentConfig(file: string | null, flags: Record<string, unknown>): AgentConfig {
  return loadConfig(agentConfigSchema, {
    file,
    env: process.env,
    envPrefix: 'EDGEMUX',
    envIgnored: [/^EDGEMUX_CLOUD_/, /^EDGEMUX_(CONFIG|ORT|PYTHON|TEST_FULL)$/],
    flags,
  });
}
