/** What releases of ONNX Runtime read, as tried with each; a file says what it needs, and is refused before it fails. */
import type { Needs } from './manifest.js';

/** By major and minor version: the newest operator set and IR. */
export const READS: Readonly<Record<'1.11' | '1.22', Needs>> = {
  '1.11': { opset: 16, ir: 8 },
  '1.22': { opset: 22, ir: 10 },
};

/**
 * @param version of ONNX Runtime, `1.11.0`
 * @returns what a person should know where that cannot load such a file; null where it can, or was never tried
 */
export function tooNew({ opset, ir }: Needs, version: string): string | null {
  const [major = '', minor = ''] = version.split('.');
  const reads = (READS as Readonly<Record<string, Needs | undefined>>)[`${major}.${minor}`];
  if (!reads || (opset <= reads.opset && ir <= reads.ir)) return null;
  return (
    `it needs opset ${opset} and IR ${ir}, and ONNX Runtime ${version} reads up to opset ${reads.opset} and IR ${reads.ir}: ` +
    `import it again with --target jetpack46 for this model, or run it with a newer ONNX Runtime`
  );
}
