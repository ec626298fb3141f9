/** What the server benchmarks have in common: a folder, a broker, a zoo and its test images as PNG. */
import { SHIPPED_ZOO } from '../../../mux/config.js';
import { encodePng } from '../../../mux/image/image.js';
import { loadTestSet, type TestSet } from '../../../lab/zoo/testset.js';
import { loadZoo, type Zoo } from '../../../mux/zoo/zoo.js';
import type { Connection } from '../../../protocol/connection/connection.js';
import { connect, startBroker } from '../broker.js';
import { benchFolder, type Releases } from '../child.js';
import { Devices } from './devices.js';
import { Server, type ServerSettings } from './programs.js';
import type { Subject } from './rounds.js';

export interface Bench {
  folder: string;
  zoo: Zoo;
  test: TestSet;
  images: Uint8Array[];
  url: string;
  /** For the report. */
  broker: string;
  connection: Connection;
}

/** @param most of the test images. `EDGEMUX_BENCH_ZOO` names another zoo than the shipped one */
export async function openBench(releases: Releases, most = Infinity): Promise<Bench> {
  const zoo = await loadZoo(process.env['EDGEMUX_BENCH_ZOO'] ?? SHIPPED_ZOO);
  const test = await loadTestSet(zoo);
  const images: Uint8Array[] = [];
  for (let i = 0; i < Math.min(most, test.count); i += 1)
    images.push(await encodePng(test.images(i), zoo.input));
  const folder = await benchFolder(releases);
  const { url, what, stop } = await startBroker(folder);
  releases.add(stop);
  const connection = await connect(url, 'edgemux-bench-devices');
  releases.add(() => connection.stop());
  return { folder, zoo, test, images, url, broker: what, connection };
}

/** A server and its devices. */
export async function openSubject(
  { connection, folder, images, url, zoo }: Bench,
  releases: Releases,
  settings: Pick<ServerSettings, 'base' | 'threads' | 'more'>,
): Promise<Subject> {
  const server = await Server.start(connection, folder, { url, zoo: zoo.dir, ...settings });
  releases.add(() => server.child.stop());
  const devices = new Devices(connection, {
    base: settings.base,
    server: server.base,
    zoo: zoo.name,
    images,
  });
  await devices.start();
  return { server, devices };
}
