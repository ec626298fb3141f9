import type { Log } from '../../common/log.js';
import type { HttpConfig } from '../config.js';
import { Events } from '../events.js';
import { HttpServer } from '../server.js';
import { live } from './live.js';
import { deviceRoutes } from './routes.js';
import type { DeviceSubject } from './subject.js';

/** Where `http.listen` is `on`. */
export const DEVICE_PORT = 8090;
/** A page is told what is new this often. */
const TELL_MS = 1000;

/** The device's HTTP side, not listening yet. @throws EdgemuxError CONFIG_INVALID */
export function deviceHttp(
  { log, config, tokenFile }: { log: Log; config: HttpConfig; tokenFile: string },
  subject: DeviceSubject,
): HttpServer {
  return new HttpServer({
    log,
    title: 'edgemux device',
    config,
    port: DEVICE_PORT,
    tokenFile,
    tokenCommand: 'edgemux token',
    routes: deviceRoutes(subject),
    events: new Events({ periodMs: TELL_MS, tell: () => live(subject) }),
    page: true,
  });
}
