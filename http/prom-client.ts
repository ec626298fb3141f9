/** The door to prom-client, which writes the text that Prometheus reads. Loaded only where http is on. */
import { Registry, type Metric } from 'prom-client';
import type { Family } from './metric.js';

export interface Exposition {
  contentType: string;
  text: string;
}

/** The families as Prometheus' text format. @throws Error where two families have the same name */
export async function exposition(families: readonly Family[]): Promise<Exposition> {
  const registry = new Registry();
  for (const family of families) registry.registerMetric(asMetric(family));
  return { contentType: registry.contentType, text: await registry.metrics() };
}

/**
 * A registry asks its metrics for nothing but a name and `get()`. Counting is done elsewhere, by plain numbers that cost a
 * frame nothing, so what is registered are values as they stand.
 */
function asMetric({ name, help, type, samples }: Family): Metric {
  const values = samples.map(({ name: metricName, labels, value }) => ({
    labels,
    value,
    ...(metricName === undefined ? {} : { metricName }),
  }));
  const aggregator = 'sum';
  return { name, get: () => Promise.resolve({ name, help, type, values, aggregator }) } as unknown as Metric;
}
