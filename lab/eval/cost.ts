/**
 * The paper's cost model, eq. 9-14, as pure functions.
 *
 * A cost C is a latency or an energy of the device: every argument of one call in the same unit (ms, or J), the
 * result in that unit. `mux`, `local` and `cloud` are computation, `upload` and `download` transfer.
 */
export interface PairCosts {
  mux: number;
  local: number;
  upload: number;
  cloud: number;
  download: number;
}

/** Eq. 9: every frame answered by the local model. */
export function mobileOnlyCost({ local }: Pick<PairCosts, 'local'>): number {
  return local;
}

/** Eq. 10: every frame sent to the server. */
export function cloudOnlyCost({ upload, cloud, download }: Omit<PairCosts, 'mux' | 'local'>): number {
  return upload + cloud + download;
}

/** Eq. 11: a frame that the mux keeps on the device. */
export function hybridLocalCost({ mux, local }: Pick<PairCosts, 'mux' | 'local'>): number {
  return mux + local;
}

/** Eq. 12: a frame that the mux offloads. */
export function hybridCloudCost(costs: Omit<PairCosts, 'local'>): number {
  return costs.mux + cloudOnlyCost(costs);
}

/**
 * Eq. 13: mean cost of a frame of the hybrid, local share × eq. 11 + (1 − local share) × eq. 12.
 *
 * @param localShare share of frames kept, in [0, 1]
 * @throws RangeError for a share outside [0, 1]
 */
export function hybridCost(costs: PairCosts, localShare: number): number {
  assertShare(localShare);
  return localShare * hybridLocalCost(costs) + (1 - localShare) * hybridCloudCost(costs);
}

/**
 * Eq. 14: mean cost of an input of a group of N models, Σ called_i × cost_i.
 *
 * `called` are shares of inputs for which model i runs: they sum to 1 for `single`, to 1 or more for an ensemble.
 * As printed the mux is not in the sum; add it with `muxCost`, which every input pays.
 *
 * @throws RangeError where the lengths differ or a share is outside [0, 1]
 */
export function groupCost(called: readonly number[], costs: readonly number[], muxCost = 0): number {
  if (called.length !== costs.length) {
    throw new RangeError(`${called.length} called shares for ${costs.length} costs`);
  }
  return costs.reduce((sum, cost, i) => {
    const share = called[i] ?? 0;
    assertShare(share);
    return sum + share * cost;
  }, muxCost);
}

/**
 * Mean cost on the device of any of our policies, from how often each part ran: eq. 13 with the mux's own
 * answers (three-tier) and the local runs that end in an offload (cascade) counted too.
 *
 * @param ran shares of frames, each in [0, 1], that ran the mux, ran the local model, and were offloaded
 */
export function policyCost(costs: PairCosts, ran: { mux: number; local: number; offloaded: number }): number {
  [ran.mux, ran.local, ran.offloaded].forEach(assertShare);
  return ran.mux * costs.mux + ran.local * costs.local + ran.offloaded * cloudOnlyCost(costs);
}

function assertShare(share: number): void {
  if (!(share >= 0 && share <= 1)) throw new RangeError(`a share lies in [0, 1], not ${share}`);
}
