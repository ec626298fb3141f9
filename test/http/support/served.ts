/** A device and a server with HTTP on, against a broker of their own. */
import { join } from 'node:path';
import type { Test } from 'tap';
import { TokenFile } from '../../../http/token.js';
import { freePort, startAedes, type TestBroker } from '../../support/broker.js';
import { Outside, startDevice, startServer } from '../../support/system.js';

export interface Served {
  broker: TestBroker;
  outside: Outside;
  device: { port: number; token: string };
  server: { port: number; token: string };
}

/** @param http more of the device's `http` section */
export async function startServed(
  t: Test,
  options: { http?: object; device?: object } = {},
): Promise<Served> {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const folder = t.testdir();
  const [devicePort, serverPort] = [await freePort(), await freePort()];
  const tokenFile = join(folder, 'server', 'http-token');
  await startServer(t, broker.url, 's1', { http: { listen: serverPort, tokenFile } });
  await startDevice(t, broker.url, {
    device: 'd1',
    dataDir: join(folder, 'device'),
    power: { simulate: true },
    offload: { deadlineMs: 60_000 },
    http: { listen: devicePort, ...options.http },
    ...options.device,
  });
  const outside = await Outside.connect(t, broker.url, 'd1');
  await outside.untilServed();
  const tokenOf = (...path: string[]): string => new TokenFile(join(folder, ...path)).read();
  return {
    broker,
    outside,
    device: { port: devicePort, token: tokenOf('device', 'http-token') },
    server: { port: serverPort, token: tokenOf('server', 'http-token') },
  };
}
