/** Probes of buses, chips and rails. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createBoard } from '../../common/activity.js';
import { systemClock } from '../../common/clock.js';
import { fail, pass, single, skip, warn, type Probe, type Verdict } from '../../common/doctor/checks.js';
import { silentLog } from '../../common/log.js';
import { chipOf } from '../../drivers/chips.js';
import { listI2cBuses, resolveI2cBus } from '../../drivers/i2c/i2c-buses.js';
import type { BusScan } from '../../drivers/i2c/scan.js';
import { forbidden } from '../../drivers/sysfs/sysfs-files.js';
import { findSysfsRails, forbiddenRails, type SysfsRail } from '../../drivers/sysfs/sysfs-rails.js';
import { SysfsSensor } from '../../drivers/sysfs/sysfs-sensor.js';
import { isChipRail, type PowerConfig } from '../../energy/config.js';
import { LiveMeter } from '../../energy/live-meter.js';
import { accessProblem } from '../../energy/command/scan.js';

export interface PowerProbeDeps {
  sysRoot: string;
  devRoot: string;
  scan: (numbers: readonly number[]) => Promise<BusScan[]>;
}

/** A sampler's thread starts within this on the busiest machine. */
const FIRST_MS = 10_000;
const MEASURE_MS = 1000;
const ROUNDS = 5;
const PAUSE_MS = 100;
const RAILS_REMEDY = '`edgemux power scan` lists what there is; mend power.rails';
/** The kernel's rails are converted one after the other, and each is rounded. */
const SUM_TOLERANCE = { share: 0.1, watts: 0.1 };

/** Where a configured sensor chip fails its check, its rail is not failed once more: the others are still measured. */
export function powerProbes(config: PowerConfig, deps: PowerProbeDeps): Probe[] {
  return [
    {
      checks: { i2c: 'I2C buses and chips', rails: 'power rails' },
      timeoutMs: 45_000,
      remedy: RAILS_REMEDY,
      run: async (report) => {
        const verdict = await chipsVerdict(config, deps);
        report('i2c', verdict);
        report('rails', await railsVerdict(config, deps.sysRoot, verdict.status === 'fail'));
      },
    },
    single('rails-sum', 'rails add up', () => sumVerdict(findSysfsRails(deps.sysRoot))),
  ];
}

/** Every configured chip must answer, with its id, on a bus that we may use. */
async function chipsVerdict(config: PowerConfig, deps: PowerProbeDeps): Promise<Verdict> {
  const wanted = config.simulate ? [] : config.rails.filter(isChipRail);
  const buses = listI2cBuses(deps.sysRoot);
  if (wanted.length === 0) {
    const names = buses.map(({ number, controller }) => `i2c-${number} (${controller})`).join(', ');
    return skip(`no sensor chip is configured; buses: ${names || 'none'}`);
  }
  const places = wanted.map(({ kind, bus, address }) => ({
    label: chipOf(kind).label,
    bus: resolveI2cBus(deps.sysRoot, bus),
    address,
  }));
  const numbers = [...new Set(places.map(({ bus }) => bus.number))];
  for (const number of numbers) {
    const problem = accessProblem(deps.devRoot, number);
    if (problem !== null) return fail(problem, 'do as it says; the unit needs the group i2c too');
  }
  const scans = await deps.scan(numbers);
  for (const { label, bus, address } of places) {
    const scan = scans.find((one) => one.bus === bus.number);
    const where = `0x${address.toString(16)} of i2c-${bus.number}`;
    if (!scan || scan.problem)
      return fail(scan?.problem?.message ?? `${where}: no scan`, 'check wiring and supply');
    if (scan.owned.includes(address))
      return fail(`${where} is owned by a kernel driver`, 'use kind: hwmon or iio there');
    const chip = scan.chips.find((one) => one.address === address);
    if (chip?.name !== label)
      return fail(
        `${where} is ${chip?.name ?? 'silent'}, not an ${label}`,
        'check wiring, supply and the address pins',
      );
  }
  return pass(
    places
      .map(({ label, bus, address }) => `${label} at 0x${address.toString(16)} of i2c-${bus.number}`)
      .join(', '),
  );
}

/** Measures for a moment, as the daemon would. @param chipsFailed leaves the sensor chips out */
async function railsVerdict(config: PowerConfig, sysRoot: string, chipsFailed: boolean): Promise<Verdict> {
  if (!config.simulate && config.rails.length === 0)
    return warn(
      'none is configured: energies are null',
      'set power.rails; `edgemux power scan` lists what there is',
    );
  const rails = chipsFailed ? config.rails.filter((rail) => !isChipRail(rail)) : config.rails;
  if (chipsFailed && rails.length === 0) return skip('not looked at: i2c failed');
  const closed = config.simulate ? [] : forbiddenRails(wantedOf(rails, sysRoot));
  if (closed.length > 0) {
    const { text, remedy } = forbidden(closed);
    return fail(text, remedy);
  }
  const meter = new LiveMeter(
    { log: silentLog(), clock: systemClock, board: createBoard(), sysRoot },
    { ...config, rails },
  );
  await meter.start();
  try {
    return await measuredVerdict(meter, rails);
  } finally {
    await meter.stop();
  }
}

/** The kernel's rails that the configuration asks for. */
function wantedOf(rails: PowerConfig['rails'], sysRoot: string): SysfsRail[] {
  return findSysfsRails(sysRoot).filter(({ rail: { kind, name } }) =>
    rails.some(
      (wanted) =>
        (wanted.kind === 'auto' || wanted.kind === kind) && (wanted.name === '' || wanted.name === name),
    ),
  );
}

async function measuredVerdict(meter: LiveMeter, configured: PowerConfig['rails']): Promise<Verdict> {
  const giveUpMs = systemClock.monotonicMs() + FIRST_MS;
  const waits = (): boolean => meter.rails().some((rail) => rail.samples === 0 && rail.problem === null);
  while (waits() && systemClock.monotonicMs() < giveUpMs) await sleep(PAUSE_MS);
  await sleep(MEASURE_MS);
  const rails = meter.rails();
  const totalsOnly = configured.length > 0 && !configured.some(isChipRail);
  const warnings = meter
    .health()
    .filter((text) => !text.includes('idle power is not learned'))
    .filter((text) => !(totalsOnly && text.includes('no rail is fast enough')));
  const measured = rails.filter(({ powerW }) => powerW !== null);
  const detail = measured
    .map(({ name, powerW, rateHz, simulated }) => {
      return `${name} ${powerW?.mean.toFixed(2)} W at ${rateHz.toFixed(0)} Hz${simulated ? ' (simulated)' : ''}`;
    })
    .join(', ');
  if (measured.length === 0 || measured.length < rails.length)
    return fail([detail, ...warnings].filter(Boolean).join('; ') || 'no rail measures', RAILS_REMEDY);
  if (warnings.length > 0) return warn([detail, ...warnings].join('; '), RAILS_REMEDY);
  const counted = rails.filter((rail) => rail.counted).map(({ name }) => name);
  const notes = [`counted: ${counted.join(' + ')}`, ...(totalsOnly ? ['totals, no energy per frame'] : [])];
  return pass([detail, ...notes].join('; '));
}

/** A rail that contains others draws at least as much as they together (VDD_IN: the whole module of a TX2). */
async function sumVerdict(all: readonly SysfsRail[]): Promise<Verdict> {
  const rails = all.filter(({ problem }) => problem === null);
  const parents = rails.filter(({ rail }) => rails.some((other) => other.rail.within === rail.name));
  if (parents.length === 0) {
    const unread = rails.length < all.length ? ' and can be read' : '';
    return skip(`the kernel measures no rail that contains others${unread}`);
  }
  const meanW = await meanPowers(rails);
  const said: string[] = [];
  for (const { rail } of parents) {
    const parts = rails.filter((other) => other.rail.within === rail.name);
    const sumW = parts.reduce((sum, part) => sum + (meanW.get(part.rail.name) ?? 0), 0);
    const wholeW = meanW.get(rail.name) ?? 0;
    const detail = `${rail.name} ${wholeW.toFixed(2)} W, the ${parts.length} rails in it ${sumW.toFixed(2)} W`;
    if (wholeW * (1 + SUM_TOLERANCE.share) + SUM_TOLERANCE.watts < sumW)
      return fail(
        detail,
        'rails are named wrongly or a sensor is broken: believe none of them before that is clear',
      );
    said.push(detail);
  }
  return pass(said.join('; '));
}

async function meanPowers(rails: readonly SysfsRail[]): Promise<Map<string, number>> {
  const sensors = rails.map((each) => new SysfsSensor({ clock: systemClock }, each));
  const sums = new Map<string, number>();
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const sensor of sensors) {
      const { powerW } = sensor.sample();
      sums.set(sensor.rail.name, (sums.get(sensor.rail.name) ?? 0) + powerW / ROUNDS);
    }
    await sleep(PAUSE_MS);
  }
  return sums;
}
