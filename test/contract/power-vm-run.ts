/** Runs test scripts over the real Linux I2C stack, in the rig's VM; skipped where the rig is missing. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const RIG = '../shared/rigs/run-in-i2c-vm.sh';

function runInVm(
  adapter: string,
  scripts: readonly string[],
): Promise<{ code: number | null; output: string }> {
  const commands = scripts
    .map((script) => `${process.execPath} dist/test/contract/${script}.js`)
    .join(' && ');
  // The guest must not take itself for a part of this test run: tap hooks every child of a test by its environment.
  const alone = 'unset NODE_OPTIONS ${!TAP@} ${!_TAPJS@}; export TAP=1';
  const child = spawn(RIG, ['.', 'bash', '-c', `${alone}; ${commands}`], {
    cwd: ROOT,
    env: { ...process.env, I2C_ADAPTER: adapter, I2C_REF: '1', I2C_VM_TIMEOUT: '150' },
  });
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  child.stderr.on('data', (data: Buffer) => (output += data.toString()));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

/** Runs the scripts in the VM and expects every test in them to pass. */
export function testInVm(t: Test, adapter: 'sim' | 'stub', scripts: readonly string[]): void {
  const skip = existsSync(`${ROOT}${RIG}`) ? false : `no rig: ${RIG}`;
  t.setTimeout(175_000);
  t.test(
    `real Linux I2C, adapter ${adapter}: ${scripts.join(', ')}`,
    { skip, timeout: 170_000 },
    async (t) => {
      const { code, output } = await runInVm(adapter, scripts);
      t.match(output, /1000 of 1000 sets equal/);
      t.equal(code, 0, 'every test in the VM passed');
      const failures = output.split('\n').filter((line) => /^ *not ok/.test(line));
      t.same(failures, []);
      if (code !== 0) t.comment(output.slice(-4000));
    },
  );
}
