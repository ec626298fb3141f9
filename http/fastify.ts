/** The door to fastify. Loaded only where http is on. */
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { AddressInfo } from 'node:net';
import { isEdgemuxError, messageOf } from '../common/errors.js';
import type { Log } from '../common/log.js';
import type { ListenAddress } from './config.js';
import type { Events } from './events.js';
import { refusal, type Asked, type GuardRules } from './guard.js';
import { json, type Route, type RouteReply } from './route.js';

/** A policy patch is the largest thing that anybody sends. */
const MOST_BODY_BYTES = 64 * 1024;
const MOST_CONNECTIONS = 128;
const REQUEST_MS = 10_000;

/** For every answer: nothing is kept, framed, run inline or fetched from elsewhere. */
const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

export interface ServerParts {
  log: Log;
  routes: readonly Route[];
  guard: GuardRules;
  /** Served at `/api/events`, where there are any. */
  events: Events | null;
  /** PEM, for TLS. */
  tls: { cert: Buffer; key: Buffer } | null;
}

export interface Listening {
  port: number;
  close(): Promise<void>;
}

export const EVENTS_PATH = '/api/events';

/** Listens. @throws Error of the system, such as EADDRINUSE */
export async function listen(parts: ServerParts, { host, port }: ListenAddress): Promise<Listening> {
  const { events } = parts;
  const app = create(parts);
  for (const route of parts.routes)
    app.route({
      method: route.method,
      url: route.path,
      handler: (request, reply) => answer(route, request, reply),
    });
  if (events !== null)
    app.get(EVENTS_PATH, { exposeHeadRoute: false }, (_request, reply) => follow(events, reply));
  await app.listen({ host, port });
  return {
    port: (app.server.address() as AddressInfo).port,
    close: async () => {
      events?.stop();
      await app.close();
    },
  };
}

/** A server without routes that lets through what the guard does. */
function create({ guard, log, tls }: ServerParts): FastifyInstance {
  const app = fastify({
    bodyLimit: MOST_BODY_BYTES,
    forceCloseConnections: true,
    logger: false,
    requestTimeout: REQUEST_MS,
    exposeHeadRoutes: true,
    ...(tls === null ? {} : { https: tls }),
  } as { bodyLimit: number });
  app.server.maxConnections = MOST_CONNECTIONS;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  );
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(HEADERS);
    const why = refusal(askedBy(request.raw), guard);
    if (why === null) return;
    if (why.status === 401) reply.header('www-authenticate', 'Bearer');
    log.debug({ method: request.method, status: why.status, why: why.message }, 'HTTP request refused');
    await send(reply, problem(why.status, why.message));
  });
  app.setErrorHandler((error, _request, reply) => send(reply, replyTo(error, log)));
  app.setNotFoundHandler((request, reply) =>
    send(reply, problem(404, `there is no ${request.method} ${pathOf(request.url)}`)),
  );
  return app;
}

async function answer(route: Route, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { body, params, query } = request;
  const given = {
    body: body instanceof Uint8Array ? body : new Uint8Array(),
    params: params as Record<string, string>,
    query: query as Record<string, string>,
  };
  await send(reply, await route.handle(given));
}

async function follow(events: Events, reply: FastifyReply): Promise<void> {
  const headers = { ...HEADERS, connection: 'keep-alive' };
  if (!events.follow(reply.raw, headers)) await send(reply, problem(503, 'too many pages are open'));
  else reply.hijack();
}

async function send(reply: FastifyReply, { body, status, type }: RouteReply): Promise<void> {
  await reply.code(status).type(type).send(body);
}

function askedBy({ headers, method, socket, url }: FastifyRequest['raw']): Asked {
  return { headers, method: method ?? '', path: pathOf(url ?? ''), remote: socket.remoteAddress ?? '' };
}

function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? '';
}

/** Ours are the fault of who asked, as is what fastify itself refuses. */
function replyTo(error: unknown, log: Log): RouteReply {
  if (isEdgemuxError(error)) return problem(400, error.message, error.code);
  const status = (error as { statusCode?: number }).statusCode ?? 500;
  if (status >= 500) log.error({ error: messageOf(error) }, 'an HTTP request failed');
  return problem(status, status >= 500 ? 'this failed; the log says why' : messageOf(error));
}

function problem(status: number, message: string, code?: string): RouteReply {
  return json({ error: { ...(code === undefined ? {} : { code }), message } }, status);
}
