import type { Family } from './metric.js';
import { exposition } from './prom-client.js';
import type { Route } from './route.js';

/** What Prometheus scrapes; put together when it asks. */
export function metricsRoute(families: () => readonly Family[]): Route {
  return {
    method: 'GET',
    path: '/metrics',
    summary: "metrics in Prometheus' text format",
    answers: 'text/plain; version=0.0.4',
    handle: async () => {
      const { contentType, text } = await exposition(families());
      return { status: 200, type: contentType, body: text };
    },
  };
}
