import { runAgentDoctor, type AgentDoctorDeps } from '../../../agent/doctor/command.js';
import type { DoctorDeps } from '../../../common/doctor/command.js';
import { runProbes, type CheckResult, type Probe } from '../../../common/doctor/checks.js';
import { runCloudDoctor, type CloudDoctorOptions } from '../../../cloud-stub/doctor.js';

export type Checks = Record<string, CheckResult>;

export interface Examined {
  code: number;
  checks: Checks;
  /** Status by id. */
  statuses: Record<string, string>;
}

interface Request {
  flags: Record<string, unknown>;
  configFile?: string;
  skipped?: string[];
  interrupts?: boolean;
  deps?: Partial<AgentDoctorDeps>;
}

/** `edgemux doctor --json` in this process. */
export function deviceDoctor(request: Request): Promise<Examined> {
  const empty = '/nonexistent';
  return examine(request, (options, output) =>
    runAgentDoctor(options, {
      sysRoot: empty,
      devRoot: empty,
      scan: () => Promise.resolve([]),
      output,
      ...request.deps,
    }),
  );
}

/** `edgemux-cloud doctor --json` in this process. */
export function serverDoctor(request: Request): Promise<Examined> {
  return examine(request, runCloudDoctor);
}

type Doctor = (options: CloudDoctorOptions, output: DoctorDeps) => Promise<number>;

async function examine(
  { flags, configFile, skipped, interrupts = false }: Request,
  doctor: Doctor,
): Promise<Examined> {
  let text = '';
  const options = { json: true, configFile: configFile ?? null, skipped: skipped ?? [], flags, interrupts };
  const code = await doctor(options, { write: (more) => (text += more), end: () => undefined });
  return { code, ...byId((JSON.parse(text) as { checks: CheckResult[] }).checks) };
}

function byId(all: CheckResult[]): Omit<Examined, 'code'> {
  return {
    checks: Object.fromEntries(all.map((check) => [check.id, check])),
    statuses: Object.fromEntries(all.map(({ id, status }) => [id, status])),
  };
}

/** Results of single probes, by id. */
export async function results(...probes: Probe[]): Promise<Checks> {
  return byId(await runProbes(probes)).checks;
}
