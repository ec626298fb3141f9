import { counter, gauge, type Family } from './metric.js';

/** What the process itself uses, under the names that all Prometheus clients give it. */
export function processMetrics(): Family[] {
  const { system, user } = process.cpuUsage();
  return [
    counter('process_cpu_seconds_total', 'CPU time of the process, all threads.', (user + system) / 1e6),
    gauge('process_resident_memory_bytes', 'Memory of the process.', process.memoryUsage.rss()),
    gauge(
      'process_start_time_seconds',
      'When the process started, since the epoch.',
      Math.round(Date.now() / 1000 - process.uptime()),
    ),
    gauge(
      'nodejs_eventloop_utilization_ratio',
      'Share of the time since start that the main thread was busy.',
      performance.eventLoopUtilization().utilization,
    ),
  ];
}
