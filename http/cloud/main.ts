import type { Log } from '../../common/log.js';
import {
  liveServerStatusSchema,
  serverPolicyPatchSchema,
  serverPolicySchema,
} from '../../protocol/messages.js';
import type { HttpConfig } from '../config.js';
import { metricsRoute } from '../metrics-route.js';
import { json, text, type Route } from '../route.js';
import { HttpServer } from '../server.js';
import { serverMetrics, type ServerSubject } from './metrics.js';

/** Where `http.listen` is `on`. */
export const SERVER_PORT = 8091;

/** The server's HTTP side, not listening yet. @throws EdgemuxError CONFIG_INVALID */
export function cloudHttp(
  { log, config }: { log: Log; config: HttpConfig },
  subject: ServerSubject,
): HttpServer {
  return new HttpServer({
    log,
    title: 'edgemux server',
    config,
    port: SERVER_PORT,
    tokenFile: config.tokenFile ?? '',
    tokenCommand: 'edgemux-cloud token',
    routes: [...healthRoutes(subject), metricsRoute(() => serverMetrics(subject)), ...apiRoutes(subject)],
    events: null,
    page: false,
  });
}

function healthRoutes({ connected, status }: ServerSubject): Route[] {
  return [
    {
      method: 'GET',
      path: '/healthz',
      summary: 'whether the program runs: 200',
      answers: 'text/plain',
      handle: () => text('ok'),
    },
    {
      method: 'GET',
      path: '/readyz',
      summary: 'whether requests come and answers go: 200, or 503 with the reason',
      answers: 'text/plain',
      handle: () => {
        if (!connected()) return text('the broker is not connected', 503);
        return status().state === 'online' ? text('ok') : text('stopping', 503);
      },
    },
  ];
}

function apiRoutes({ patchPolicy, status }: ServerSubject): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/status',
      summary: 'what the server is and does, as on its status topic',
      answers: liveServerStatusSchema,
      handle: () => json(status()),
    },
    {
      method: 'GET',
      path: '/api/policy',
      summary: 'which networks answer',
      answers: serverPolicySchema,
      handle: () => json(status().policy),
    },
    {
      method: 'PATCH',
      path: '/api/policy',
      summary: 'changes any part of the policy, as policy/set over MQTT does',
      takes: serverPolicyPatchSchema,
      answers: serverPolicySchema,
      handle: ({ body }) => json(patchPolicy(body)),
    },
  ];
}
