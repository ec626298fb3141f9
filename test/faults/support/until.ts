/** Resolves when `condition` holds; rejects, naming `what`, when it does not within `patienceMs`. */
export async function until(what: string, condition: () => boolean, patienceMs = 60_000): Promise<void> {
  const giveUpAtMs = performance.now() + patienceMs;
  while (!condition()) {
    if (performance.now() > giveUpAtMs) throw new Error(`never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
