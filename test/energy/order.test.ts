/** At the size of the paper's images energy orders as physics says: computing here is cheap, sending is dear. */
import sharp from 'sharp';
import t from 'tap';
import { createBoard, postWork, type Stage, type WorkItem } from '../../common/activity.js';
import { seededRandom } from '../../common/random.js';
import { railModelFor } from '../../drivers/simulation/board-model.js';
import { WorkLoad } from '../../drivers/simulation/load.js';
import { apportion } from '../../energy/apportion.js';
import type { Occupancy } from '../../energy/occupancy.js';
import { RailFollower } from '../../energy/rail-follower.js';
import { decodeImage, encodeForUpload } from '../../mux/image/image.js';
import { sampleSimulatedRail } from './simulated-rail.js';

const INPUT = { height: 224, width: 224, channels: 3 as const };
/** mobilenet_v2, and a mux of a twentieth of it. */
const LOCAL_MACS = 299e6;
const MUX_MACS = LOCAL_MACS / 20;
/** CPU time of a decode and an encode, ms: of a core of ours, the same in all set-ups. */
const DECODE_MS = 4;
const ENCODE_MS = 3;
const ANSWER_BYTES = 900;
const FRAMES = 200;
const FRAME_MS = 100;

/** What is uploaded of a 640 x 480 photograph-like image (waves and noise) for networks of 224 x 224. */
async function uploadBytes(): Promise<number> {
  const random = seededRandom(5);
  const [width, height] = [640, 480];
  const pixels = Buffer.alloc(width * height * 3);
  for (let i = 0; i < pixels.length; i += 1) {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    pixels[i] = 128 + 60 * Math.sin(x / 23 + (i % 3)) * Math.cos(y / 17) + 40 * (random() - 0.5);
  }
  const jpeg = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 90 })
    .toBuffer();
  const decoded = await decodeImage(jpeg, INPUT, { maxPixels: 1e6 });
  return (await encodeForUpload(decoded, INPUT, jpeg)).bytes.length;
}

/** Mean net energy of a frame in J, through chip, sampler and meter, on a clock of its own. */
function meanNetJ(offloadShare: number, bytes: number): number {
  const random = seededRandom(9);
  const board = createBoard();
  const model = railModelFor('sim_module', 'wifi');
  const load = new WorkLoad(board, model);
  const occupancies: Occupancy[] = [];
  for (let frame = 0; frame < FRAMES; frame += 1) {
    let nowMs = 1000 + frame * FRAME_MS + 10 * random();
    const work = (stage: Stage, kind: WorkItem['kind'], amount: number): void => {
      const lengthMs = (1e3 * amount) / model.work[kind].perS;
      postWork(board, { kind, amount, atMs: nowMs });
      occupancies.push({ frame, stage, startMs: nowMs, endMs: nowMs + lengthMs, provisional: false });
      nowMs += lengthMs;
    };
    const asksMux = offloadShare > 0 && offloadShare < 1;
    work('decode', 'imageCpuMs', DECODE_MS);
    if (asksMux) work('mux', 'macs', MUX_MACS);
    if (random() >= offloadShare) {
      work('local', 'macs', LOCAL_MACS);
      continue;
    }
    work('encode', 'imageCpuMs', ENCODE_MS);
    work('upload', 'bytesUp', bytes);
    work('wait', 'bytesDown', ANSWER_BYTES);
  }
  const endMs = 1000 + FRAMES * FRAME_MS;
  const { sampled } = sampleSimulatedRail({ load, endMs });
  const follower = new RailFollower(sampled, { idleWindowMs: 1e4, bridgeMs: 40 });
  const nets = Array.from({ length: FRAMES }, (_, frame) => {
    const own = occupancies.filter((each) => each.frame === frame);
    const window = follower.cells(own[0]?.startMs ?? 0, own.at(-1)?.endMs ?? 0);
    return apportion(frame, window?.cells ?? [], own, { idleW: model.idleW, given: follower.given }).netJ;
  });
  return nets.reduce((sum, net) => sum + net, 0) / FRAMES;
}

t.test('net energy a frame at 224 x 224 over Wi-Fi: mobile-only < hybrid < cloud-only', async (t) => {
  const bytes = await uploadBytes();
  t.ok(bytes > 5000 && bytes < 60_000, `${bytes} bytes go up`);
  const local = meanNetJ(0, bytes);
  const hybrid = meanNetJ(0.32, bytes);
  const cloud = meanNetJ(1, bytes);
  const mJ = [local, hybrid, cloud].map((joules) => (1e3 * joules).toFixed(1));
  t.ok(local < hybrid && hybrid < cloud, `${mJ.join(' < ')} mJ`);
  const decodeJ = (1.238 * DECODE_MS) / 1e3;
  t.ok(Math.abs((local - decodeJ) / 12e-3 - 1) < 0.03, "the local network's share is the paper's 12 mJ");
});
