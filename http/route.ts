import type { z } from 'zod';

/** What a route is given. */
export interface RouteRequest {
  body: Uint8Array;
  query: Readonly<Record<string, string | undefined>>;
  params: Readonly<Record<string, string | undefined>>;
}

export interface RouteReply {
  status: number;
  type: string;
  body: string | Uint8Array;
}

/** One address of ours, and what the generated OpenAPI document says of it. */
export interface Route {
  method: 'GET' | 'PATCH';
  /** With `:name` for a part that varies. */
  path: string;
  summary: string;
  /** Schema of the JSON that is answered; a media type where it is none. */
  answers: z.ZodType | string;
  /** Schema of the JSON that is sent. */
  takes?: z.ZodType;
  /** What it throws as an EdgemuxError is answered with status 400. */
  handle: (request: RouteRequest) => RouteReply | Promise<RouteReply>;
}

export const TEXT = 'text/plain; charset=utf-8';
export const JSON_TYPE = 'application/json; charset=utf-8';

export function json(value: unknown, status = 200): RouteReply {
  return { status, type: JSON_TYPE, body: JSON.stringify(value) };
}

export function text(body: string, status = 200): RouteReply {
  return { status, type: TEXT, body: `${body}\n` };
}
