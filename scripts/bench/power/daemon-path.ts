/** The frame path of the whole daemon, over MQTT, while its rail's bus is calm or fails. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { agentConfigSchema } from '../../../agent/config.js';
import { AgentDaemon } from '../../../agent/daemon.js';
import { systemClock } from '../../../common/clock.js';
import { silentLog } from '../../../common/log.js';
import { percentile } from '../../../common/statistics.js';
import { SHIPPED_ZOO } from '../../../mux/config.js';
import { encodeJpeg } from '../../../mux/image/image.js';
import { loadTestSet } from '../../../lab/zoo/testset.js';
import { loadZoo } from '../../../mux/zoo/zoo.js';
import type { Connection } from '../../../protocol/connection/connection.js';
import { parseDeviceState, parseResult, type Result } from '../../../protocol/messages.js';
import { connect, startBroker } from '../broker.js';
import { BLOCK_MS, faultsFrom, type PathFigures } from './faults.js';
import { pause, simulatedRails } from './rails.js';

const DEVICE = 'bench';
const FRAME_EVERY_MS = 20;
const SETTLE_MS = 300;

/** One block: a daemon of its own, a frame every 20 ms, every result's latency by the result itself. */
export async function measureDaemon(faulty: boolean): Promise<PathFigures> {
  const dir = mkdtempSync(join(tmpdir(), 'edgemux-bench-'));
  const broker = await startBroker(dir);
  const cameras = await connect(broker.url, 'bench-cameras');
  const faults = faulty ? faultsFrom(systemClock.monotonicMs() + SETTLE_MS) : [];
  const daemon = new AgentDaemon({ log: silentLog(), simulation: { faults } }, configFor(broker.url, dir));
  try {
    await daemon.start();
    return await play(cameras);
  } finally {
    await daemon.stop();
    await cameras.stop();
    await broker.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

function configFor(url: string, dir: string): ReturnType<typeof agentConfigSchema.parse> {
  return agentConfigSchema.parse({
    device: DEVICE,
    dataDir: dir,
    broker: { url },
    inference: { providers: ['cpu'], threads: 1 },
    policy: { mode: 'mobile-only' },
    power: simulatedRails(['module']),
    report: { stateIntervalS: 0.1 },
  });
}

async function play(cameras: Connection): Promise<PathFigures> {
  const results: Result[] = [];
  const seen = { healthy: false, ready: false };
  await cameras.subscribe(`edgemux/${DEVICE}/result/+`, { qos: 1 }, (message) => {
    results.push(parseResult(message.payload));
  });
  await cameras.subscribe(`edgemux/${DEVICE}/state`, { qos: 1 }, (message) => {
    const [rail] = parseDeviceState(message.payload).rails;
    seen.ready = true;
    seen.healthy = rail?.health === 'ok';
  });
  while (!seen.ready) await pause(10);
  const jpeg = await testFrame();
  const endMs = systemClock.monotonicMs() + BLOCK_MS;
  while (systemClock.monotonicMs() < endMs) {
    await cameras.publish('cameras/one/frame', jpeg);
    await pause(FRAME_EVERY_MS);
  }
  await pause(SETTLE_MS);
  return {
    frameP99Ms: percentile(
      results.map((result) => result.latencyMs.total),
      0.99,
    ),
    unmeasured: results.filter((result) => result.energyJ === null).length,
    recovered: seen.healthy ? 1 : 0,
  };
}

async function testFrame(): Promise<Uint8Array> {
  const zoo = await loadZoo(SHIPPED_ZOO);
  return encodeJpeg((await loadTestSet(zoo)).images(0), zoo.input, 95);
}
