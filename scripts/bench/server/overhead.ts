/** What the server adds at low load: its answer's latency beside decoding, mux, models and a raw MQTT round trip. */
import { systemClock } from '../../../common/clock.js';
import { percentile } from '../../../common/statistics.js';
import { decodePicture } from '../../../mux/image/prepare.js';
import { GROUP_MUX_ID, type SessionSpec } from '../../../mux/inference/inference.js';
import { openSession, type Session } from '../../../mux/inference/runtime.js';
import { serverInputs } from '../../../mux/zoo/upload.js';
import { PictureViews } from '../../../mux/zoo/views.js';
import type { Zoo } from '../../../mux/zoo/zoo.js';
import type { Devices } from './devices.js';
import { answerOf } from './rounds.js';

const MAX_PIXELS = 40_000_000;
const WARMUP = 10;

/** Medians in ms over the same images. */
export interface OverheadFigures {
  server: number;
  floor: number;
  hop: number;
}

/** The networks of a group on this thread, as the server's worker has them. */
export class Floor {
  readonly #zoo: Zoo;
  readonly #sessions: Map<string, Session>;

  private constructor(zoo: Zoo, sessions: Map<string, Session>) {
    this.#zoo = zoo;
    this.#sessions = sessions;
  }

  /** @throws EdgemuxError MODEL_UNUSABLE */
  static async open(zoo: Zoo, threads: number): Promise<Floor> {
    const { classes, manifest } = zoo;
    const group = manifest.mux?.group;
    const ids = group?.models ?? [zoo.largest.id];
    const specs = ids.map((id): SessionSpec => {
      return { id, kind: 'model', path: zoo.path(zoo.modelById(id).file), input: zoo.inputOf(id), classes };
    });
    if (group) {
      const path = zoo.path(group.file);
      specs.push({
        id: GROUP_MUX_ID,
        kind: 'group-mux',
        path,
        input: zoo.inputOf(GROUP_MUX_ID),
        classes,
        models: ids.length,
      });
    }
    const sessions = new Map<string, Session>();
    for (const spec of specs) {
      sessions.set(spec.id, await openSession(spec, { provider: 'cpu', deviceId: 0, threads }));
    }
    return new Floor(zoo, sessions);
  }

  /** Decodes an image and runs networks on it, one after the other. Returns ms. */
  async run(image: Uint8Array, networks: readonly string[]): Promise<number> {
    const startMs = systemClock.monotonicMs();
    const picture = await decodePicture(image, { maxPixels: MAX_PIXELS }, serverInputs(this.#zoo));
    const views = new PictureViews({ clock: systemClock }, picture);
    for (const id of networks) await this.#sessions.get(id)?.run(await views.as(this.#zoo.inputOf(id)), 1);
    return systemClock.monotonicMs() - startMs;
  }

  async close(): Promise<void> {
    for (const session of this.#sessions.values()) await session.release();
  }
}

/**
 * One request at a time, by turns: to the server, to the echo, and the floor of the networks that the server ran, all with
 * the same image. By turns image by image, since what ran last has warm caches, and at low load nothing has.
 */
export async function overheadRound(
  parts: { floor: Floor; server: Devices; echo: Devices; images: readonly Uint8Array[] },
  requests: number,
  firstImage: number,
): Promise<OverheadFigures> {
  const ms = { server: [] as number[], hop: [] as number[], floor: [] as number[] };
  for (let n = 0; n < WARMUP + requests; n += 1) {
    const loop = { devices: 1, warmup: 0, requests: 1, firstImage: firstImage + n };
    const [one] = (await parts.server.closed(loop)).answered;
    const [hop] = (await parts.echo.closed(loop)).answered;
    if (!one || !hop) throw new RangeError('a loop without its answer');
    const { latencyMs, models } = answerOf(one);
    const networks = latencyMs.mux > 0 ? [GROUP_MUX_ID, ...models] : models;
    const floorMs = await parts.floor.run(parts.images[one.image] ?? new Uint8Array(), networks);
    if (n < WARMUP) continue;
    ms.server.push(one.latencyMs);
    ms.hop.push(hop.latencyMs);
    ms.floor.push(floorMs);
  }
  const { server, hop, floor } = ms;
  return { server: percentile(server, 0.5), hop: percentile(hop, 0.5), floor: percentile(floor, 0.5) };
}
