/** Proof without a profile, as on the binding of JetPack 4.6; the machine below it is made up. */
import t from 'tap';
import { loadBinding } from '../../../mux/inference/binding.js';
import { jetsonGpuLoad } from '../../../common/host/gpu-load.js';
import { proveByLoad, type Machine } from '../../../mux/inference/prove-provider.js';
import type { Session } from '../../../mux/inference/runtime.js';
import { networkInput } from '../../../mux/zoo/input.js';
import { sysfsTree } from '../../drivers/sysfs/sysfs-trees.js';

const MAPS = '7f00 r-xp /opt/ort/libonnxruntime_providers_cuda.so\n';

/** Time passes by 5 ms a run; the load is `idle` until the first run and `busy` afterwards. */
function set(idle: number | null, busy: number | null, maps = MAPS): { session: Session; machine: Machine } {
  let [nowMs, ran] = [0, false];
  const pass = (ms: number): Promise<never> => {
    nowMs += ms;
    return Promise.resolve(undefined as never);
  };
  const input = networkInput({ height: 2, width: 2, channels: 1, layout: 'NHWC', dtype: 'uint8' });
  return {
    session: {
      spec: { id: 'small', kind: 'model', path: '/none', input, classes: 3 },
      run: () => {
        ran = true;
        return pass(5);
      },
      release: () => Promise.resolve(),
    },
    machine: {
      clock: { monotonicMs: () => nowMs },
      gpuLoad: () => (ran ? busy : idle),
      maps: () => maps,
      sleep: pass,
    },
  };
}

t.test('a provider whose library is loaded and that makes the GPU busy is believed', async (t) => {
  const { session, machine } = set(0.02, 0.3);
  await t.resolves(proveByLoad(session, 'cuda', machine));
});

t.test('a provider that was accepted and ignored is not believed, however busy the GPU is', async (t) => {
  const { session, machine } = set(0, 0.9, '7f00 r-xp /opt/ort/libonnxruntime.so.1.11.0\n');
  await t.rejects(proveByLoad(session, 'cuda', machine), /ignored.*providers_cuda/);
});

t.test('a GPU that stays as busy as it was, or says nothing, proves nothing', async (t) => {
  for (const [idle, busy, says] of [
    [0, 0.01, /1\.0 %.*0\.0 % before/],
    [0.97, 0.98, /98\.0 %.*97\.0 % before/],
    [null, null, /no GPU load/],
  ] as const) {
    const { session, machine } = set(idle, busy);
    await t.rejects(proveByLoad(session, 'cuda', machine), says);
  }
});

t.test("the Jetson's GPU load is read in per mille from either of its names", async (t) => {
  t.equal(jetsonGpuLoad(sysfsTree(t, { 'devices/gpu.0/load': '370' })), 0.37);
  t.equal(jetsonGpuLoad(sysfsTree(t, { 'devices/17000000.gp10b/load': '1000' })), 1);
  t.equal(jetsonGpuLoad(sysfsTree(t, {})), null);
  t.equal(jetsonGpuLoad(sysfsTree(t, { 'devices/gpu.0/load': 'n/a' })), null);
});

t.test('the shipped binding is the one that is loaded when nothing else is named', async (t) => {
  t.equal(loadBinding('').version, '1.22.0-rev');
});
