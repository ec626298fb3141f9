/** Device and server as child processes, and the files that they write. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { environmentName } from '../../../common/config/keys.js';
import type { BrokerConfig } from '../../../protocol/config.js';
import { Program } from '../../demo/programs.js';
import type { MeasureOptions } from '../options.js';

export interface Files {
  samples: string;
  data: string;
  deviceLog: string;
  serverLog: string;
}

export function filesOf({ outDir }: MeasureOptions, session: number): Files {
  mkdirSync(outDir, { recursive: true });
  const file = (name: string): string => join(outDir, name);
  return {
    samples: file(`samples-${session}.csv`),
    data: file('data'),
    deviceLog: file(`device-${session}.log`),
    serverLog: file(`server-${session}.log`),
  };
}

export function startServer(
  { start }: MeasureOptions,
  what: { broker: BrokerConfig; url: string; name: string; log: string },
): Program {
  const args = [
    'run',
    '--server',
    what.name,
    '--policy',
    'largest',
    '--broker',
    what.url,
    '--zoo',
    start.zooDir,
  ];
  const provider = start.provider === null ? [] : ['--provider', start.provider];
  const env = variables('EDGEMUX_CLOUD', {
    'broker.baseTopic': what.broker.baseTopic,
    'broker.username': what.broker.username,
    'broker.passwordFile': what.broker.passwordFile,
    'report.statusIntervalS': 1,
  });
  return Program.start('server', [...args, ...provider], what.log, env);
}

export function startDevice(
  { start, configFile, simulate }: MeasureOptions,
  what: { broker: BrokerConfig; device: string; files: Files },
): Program {
  const { files, device } = what;
  const args = ['run', '--broker', what.broker.url, '--device', device, '--zoo', start.zooDir];
  const optional = [
    ...(configFile === null ? [] : ['--config', configFile]),
    ...(simulate ? ['--simulate'] : []),
    ...(start.provider === null ? [] : ['--provider', start.provider]),
    ...(start.deadlineMs === null ? [] : ['--deadline-ms', String(start.deadlineMs)]),
  ];
  const env = variables('EDGEMUX', {
    'power.recordFile': files.samples,
    'report.stateIntervalS': 0.5,
    dataDir: files.data,
    'cameras.topics': JSON.stringify([`measure/${device}/{camera}`]),
  });
  return Program.start('device', [...args, ...optional], files.deviceLog, env);
}

function variables(prefix: string, values: Record<string, string | number | null>): Record<string, string> {
  const given = Object.entries(values).filter(([, value]) => value !== null);
  return Object.fromEntries(given.map(([path, value]) => [environmentName(prefix, path), String(value)]));
}
