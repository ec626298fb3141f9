import { cpu, mem, osInfo } from 'systeminformation';

/** What the machine is: said in `state` and beside every benchmark. */
export interface HostFacts {
  cpu: string;
  cores: number;
  memoryBytes: number;
  os: string;
  kernel: string;
  arch: string;
  node: string;
}

/** Reads the facts that do not change while the program runs. */
export async function hostFacts(): Promise<HostFacts> {
  const [processor, memory, system] = await Promise.all([cpu(), mem(), osInfo()]);
  return {
    cpu: `${processor.manufacturer} ${processor.brand}`.trim(),
    cores: processor.cores,
    memoryBytes: memory.total,
    os: `${system.distro} ${system.release}`.trim(),
    kernel: system.kernel,
    arch: system.arch,
    node: process.version,
  };
}
