/** The commands of the device itself: daemon, doctor and power rails. */
import { flagOptions, flagValues } from '../../common/config/flags.js';
import { configKeys } from '../../common/config/keys.js';
import { DOCTOR_EPILOGUE, DOCTOR_OPTIONS, doctorOptions } from '../../common/doctor/command.js';
import { POWER_OPTIONS, powerOptions, SCAN_OPTIONS, scanOptions } from '../../energy/command/options.js';
import { runToken, TOKEN_OPTIONS } from '../../http/token-command.js';
import { httpTokenFile } from '../http.js';
import { AGENT_FLAGS, agentConfig, agentConfigSchema } from '../config.js';
import { configFile, type Action, type Arguments } from './command.js';

const keys = configKeys(agentConfigSchema);
const EVERY_KEY =
  'Every key of docs/configuration.md can also be set in the file or as EDGEMUX_… in the environment.';

/** The configuration file, and the values of the command line by configuration key. */
function given(argv: Arguments): { configFile: string | null; flags: Record<string, unknown> } {
  return { configFile: configFile(argv), flags: flagValues(argv, AGENT_FLAGS, keys) };
}

export const RUN: Action = {
  options: flagOptions(AGENT_FLAGS, keys),
  epilogue: EVERY_KEY,
  run: (argv) => {
    const options = given(argv);
    return async () => (await import('./run.js')).run(options);
  },
};

export const DOCTOR: Action = {
  options: { ...flagOptions(AGENT_FLAGS, keys), ...DOCTOR_OPTIONS },
  epilogue: DOCTOR_EPILOGUE,
  run: (argv) => {
    const options = { ...doctorOptions(argv), ...given(argv) };
    return async () => (await import('../doctor/command.js')).runAgentDoctor(options);
  },
};

export const TOKEN: Action = {
  options: { ...TOKEN_OPTIONS, ...flagOptions({ 'data-dir': 'dataDir' }, keys) },
  run: (argv) => {
    const config = agentConfig(configFile(argv), flagValues(argv, { 'data-dir': 'dataDir' }, keys));
    return () => runToken(httpTokenFile(config), argv['rotate'] === true);
  },
};

export const POWER: Action = {
  options: POWER_OPTIONS,
  run: (argv) => {
    const file = configFile(argv);
    const options = powerOptions(argv, file === null ? null : agentConfig(file, {}).power);
    return async () => (await import('../../energy/command/command.js')).runPower(options);
  },
};

export const SCAN: Action = {
  options: SCAN_OPTIONS,
  run: (argv) => async () =>
    (await import('../../energy/command/command.js')).runPowerScan(scanOptions(argv)),
};
