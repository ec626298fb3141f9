/** `edgemux-cloud doctor`: every precondition of the server, with what to do. */
import { readConfig } from '../common/doctor/config.js';
import { randomBytes } from 'node:crypto';
import { needing, pass, single, warn, type Probe } from '../common/doctor/checks.js';
import { runDoctor, type DoctorDeps, type DoctorOptions } from '../common/doctor/command.js';
import { clockProbe, nodeProbe, secretsProbe } from '../common/doctor/machine.js';
import { processWithConfig } from '../common/host/processes.js';
import { bindingProbe, decodeOne, inferenceProbe, zooProbe } from '../mux/doctor.js';
import { groupOf } from '../mux/rules/group-settings.js';
import { loadZoo, type Zoo } from '../mux/zoo/zoo.js';
import { shareSecret } from '../protocol/config.js';
import { brokerProbe, type BrokerProbeOptions, type ConnectedChecks } from '../protocol/doctor.js';
import { rightsChecks, type OwnTopics } from '../protocol/rights-checks.js';
import { ANY_SERVER, answerTopic, offloadFilter, serverTopics } from '../protocol/topics/topics.js';
import { cloudConfig, type CloudConfig } from './config.js';
import { onnxRuntimeOptions } from './engines/onnxruntime.js';

export interface CloudDoctorOptions extends DoctorOptions {
  configFile: string | null;
  /** Values from the command line by configuration key. */
  flags: Record<string, unknown>;
}

/** Returns the exit code: 1 where a check fails. */
export function runCloudDoctor(options: CloudDoctorOptions, output?: DoctorDeps): Promise<number> {
  const { configFile, flags } = options;
  const { config, probe } = readConfig(configFile, () => cloudConfig(configFile, flags));
  const always = [probe, nodeProbe(), bindingProbe(), imagesProbe(), clockProbe()];
  if (config === null) return runDoctor({ ...options, skipped: [] }, [always], output);
  return runDoctor(options, serverWaves(config, always, options), output);
}

function imagesProbe(): Probe {
  const look = async (): Promise<ReturnType<typeof pass>> => {
    await decodeOne();
    return pass('images are decoded (sharp)');
  };
  return single('modules', 'native modules', look, {
    timeoutMs: 20_000,
    remedy: 'install the package again on this machine, with the same Node.js that runs edgemux-cloud',
  });
}

/** Inference comes last: it takes every core, and the round trip to the broker is timed. */
function serverWaves(config: CloudConfig, always: readonly Probe[], options: CloudDoctorOptions): Probe[][] {
  const { inference, batching } = config;
  let loading: Promise<Zoo> | null = null;
  const zoo = (): Promise<Zoo> => (loading ??= loadZoo(config.zoo));
  return [
    [...always, secretsProbe(secretFiles(config)), zooProbe(zoo)],
    [needing(['secrets'], brokerProbe(brokerOptions(config, options), connectedChecks(config, zoo)))],
    [
      needing(
        ['binding', 'zoo'],
        inferenceProbe(zoo, (loaded) =>
          onnxRuntimeOptions({
            zoo: loaded,
            models: groupOf(loaded).ids,
            inference,
            batchSizes: batching.sizes,
          }),
        ),
      ),
    ],
  ];
}

function brokerOptions(
  { broker, images, server, share }: CloudConfig,
  { configFile, interrupts = false }: CloudDoctorOptions,
): BrokerProbeOptions {
  return {
    broker,
    root: `${broker.baseTopic}/cloud/${server}/doctor`,
    maxPayloadBytes: images.maxBytes,
    maxPayloadKey: 'images.maxBytes',
    wantsShared: share.enabled,
    occupant: () => (interrupts ? null : serverOf(configFile)),
  };
}

function secretFiles({ broker, share }: CloudConfig): Record<string, string | null> {
  return {
    'broker.passwordFile': broker.passwordFile,
    'broker.keyFile': broker.keyFile,
    'share.secretFile': share.secretFile,
  };
}

function connectedChecks(config: CloudConfig, zoo: () => Promise<Zoo>): ConnectedChecks[] {
  return [rightsChecks(() => ownTopics(config, zoo)), ...(config.share.enabled ? [groupChecks(config)] : [])];
}

/** Whether the name of the group can be guessed, on a broker that lets this user subscribe to a group that is not its own. */
function groupChecks({ broker, group, share }: CloudConfig): ConnectedChecks {
  return {
    checks: { group: 'group' },
    run: async (connection, report) => {
      if (shareSecret(share.secretFile) !== undefined)
        return report('group', pass('the name of the group has a secret part'));
      const strange = `$share/${randomBytes(8).toString('hex')}/${broker.baseTopic}/offload/${ANY_SERVER}/#`;
      const open = await connection
        .subscribe(strange, { qos: 0 }, () => undefined)
        .then(
          () => true,
          () => false,
        );
      await connection.unsubscribe(strange);
      const text = `anybody can guess the name of the group, '${group}'`;
      if (!open) return report('group', pass(`${text}, and the broker lets nobody subscribe to any group`));
      report(
        'group',
        warn(
          `${text}, and the broker lets users subscribe to any group: each takes a part of the requests away`,
          'set share.secretFile (`openssl rand -hex 16`), the same on all servers of the group, or set share.enabled to false',
        ),
      );
    },
  };
}

/** The server that runs with this configuration, for people. */
function serverOf(configFile: string | null): string | null {
  const main = { name: 'edgemux-cloud', main: '/cloud-stub/main.js' };
  const pid = configFile === null ? null : processWithConfig(main, configFile);
  return pid === null ? null : `process ${pid}`;
}

/** No device is called so. */
const NO_DEVICE = 'edgemux-doctor';

async function ownTopics({ broker, server }: CloudConfig, zoo: () => Promise<Zoo>): Promise<OwnTopics> {
  const base = broker.baseTopic;
  const { policySet, status } = serverTopics(base, server);
  const loaded = await zoo().catch(() => null);
  return {
    reads: [policySet, status, ...(loaded === null ? [] : [offloadFilter(base, server, loaded.name)])],
    writes: [answerTopic(base, { server, device: NO_DEVICE, frameId: 'doctor' })],
  };
}
