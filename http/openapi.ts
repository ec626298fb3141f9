import { z } from 'zod';
import { packageVersion } from '../common/version.js';
import { EVENTS_PATH } from './fastify.js';
import type { Route } from './route.js';

type Json = Record<string, unknown>;

const READ_OR_CHANGE =
  'Reading is free for this machine under the name localhost or an address; changes, and reading from elsewhere, need the token.';

/** An OpenAPI 3.1 document of what is served, from the routes themselves. @param streams whether there are events */
export function openApi(title: string, routes: readonly Route[], streams: boolean): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) };
  }
  if (streams)
    paths[EVENTS_PATH] = {
      get: {
        summary: 'what is new, as server-sent events',
        responses: { 200: content('text/event-stream') },
      },
    };
  return {
    openapi: '3.1.0',
    info: { title, version: packageVersion(), description: READ_OR_CHANGE },
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    security: [{}, { token: [] }],
    paths,
  };
}

function operation({ answers, method, path, summary, takes }: Route): Json {
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name);
  const parameters = names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
  return {
    summary,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(method === 'GET' ? {} : { security: [{ token: [] }] }),
    ...(takes === undefined ? {} : { requestBody: { required: true, ...jsonContent(takes, 'input') } }),
    responses: {
      200:
        typeof answers === 'string'
          ? content(answers)
          : { description: summary, ...jsonContent(answers, 'output') },
      ...(takes === undefined ? {} : { 400: content('application/json') }),
    },
  };
}

function content(type: string): Json {
  return { description: type, content: { [type.split(';', 1)[0] ?? type]: {} } };
}

function jsonContent(schema: z.ZodType, io: 'input' | 'output'): Json {
  const body = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return { content: { 'application/json': { schema: { ...body, $schema: undefined } } } };
}
