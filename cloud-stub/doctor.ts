/** `edgemux-cloud doctor`: every precondition of the server, with what to do. */
import { readConfig } from '../common/doctor/config.js';
import { needing, pass, single, type Probe } from '../common/doctor/checks.js';
import { runDoctor, type DoctorDeps, type DoctorOptions } from '../common/doctor/command.js';
import { clockProbe, nodeProbe, secretsProbe } from '../common/doctor/machine.js';
import { bindingProbe, decodeOne, inferenceProbe, zooProbe } from '../mux/doctor.js';
import { groupOf } from '../mux/rules/group-settings.js';
import { loadZoo, type Zoo } from '../mux/zoo/zoo.js';
import { brokerProbe } from '../protocol/doctor.js';
import { rightsChecks, type OwnTopics } from '../protocol/rights-checks.js';
import { answerTopic, offloadFilter, serverTopics } from '../protocol/topics/topics.js';
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
  return runDoctor(options, serverWaves(config, always), output);
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
function serverWaves(config: CloudConfig, always: readonly Probe[]): Probe[][] {
  const { broker, images, inference, batching } = config;
  let loading: Promise<Zoo> | null = null;
  const zoo = (): Promise<Zoo> => (loading ??= loadZoo(config.zoo));
  const brokerOptions = {
    broker,
    root: `${broker.baseTopic}/cloud/${config.server}/doctor`,
    maxPayloadBytes: images.maxBytes,
    maxPayloadKey: 'images.maxBytes',
    wantsShared: config.share.enabled,
  };
  return [
    [
      ...always,
      secretsProbe({ 'broker.passwordFile': broker.passwordFile, 'broker.keyFile': broker.keyFile }),
      zooProbe(zoo),
    ],
    [needing(['secrets'], brokerProbe(brokerOptions, [rightsChecks(() => ownTopics(config, zoo))]))],
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
