/** Reading ONNX Runtime's profile: a JSON list of trace events. */

/**
 * Which execution providers computed: number of node executions by provider, as `{ CPUExecutionProvider: 12 }`.
 *
 * @param profile text of the file that a session with profiling wrote
 */
export function countProviders(profile: string): Record<string, number> {
  const counts: Record<string, number> = {};
  const events = JSON.parse(profile) as { cat?: string; args?: { provider?: string } }[];
  for (const { cat, args } of events) {
    if (cat !== 'Node' || args?.provider === undefined) continue;
    counts[args.provider] = (counts[args.provider] ?? 0) + 1;
  }
  return counts;
}
