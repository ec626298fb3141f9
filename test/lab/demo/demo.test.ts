import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { DemoSummary } from '../../../lab/demo/summary.js';

t.test('the demo accounts for every frame, uses both routes and writes its summary', async (t) => {
  const dir = t.testdir();
  const frames = 120;
  const args = ['dist/agent/main.js', 'demo', '--frames', String(frames), '--out', dir, '--cameras', '3'];
  const demo = spawnSync(process.execPath, args, { encoding: 'utf8' });
  t.equal(demo.status, 0, demo.stderr);
  t.match(demo.stdout, /accuracy/);
  t.match(demo.stdout, /page: http:\/\/127\.0\.0\.1:\d+\//);
  const summary = JSON.parse(readFileSync(join(dir, 'summary.json'), 'utf8')) as DemoSummary;
  const drops = Object.values(summary.drops).reduce((sum, n) => sum + n, 0);
  t.equal(summary.frames, frames);
  t.equal(summary.results + drops, frames, 'frames published = results + counted drops');
  t.ok(summary.routes.local > 0 && summary.routes.cloud > 0, 'both routes occur');
  const { hybrid } = summary.setups;
  t.equal(summary.setups['mobile-only'].localShare, 1);
  // On a busy machine a frame may miss its deadline over the link: then the device answers it.
  t.ok(summary.setups['cloud-only'].localShare < hybrid.localShare);
  t.ok(hybrid.localShare > 0 && hybrid.localShare < 1);
  for (const setup of Object.values(summary.setups)) {
    t.ok(
      setup.accuracy !== null &&
        setup.accuracy > 0.8 &&
        setup.flops > 0 &&
        setup.latencyMs.p50 <= setup.latencyMs.p99,
    );
    // A starved sampler measures nothing rather than something: then there is no energy to look at.
    if (!setup.energyJ) continue;
    t.ok(setup.energyJ.simulated && setup.energyJ.gross > 0, 'simulated energy says so');
    const { measured, bridged, unmeasured } = setup.energyJ.frames;
    t.ok(measured > 0 && bridged <= measured && measured + unmeasured <= frames, 'and of how many frames');
  }
});

t.test('the demo refuses impossible options by name', async (t) => {
  for (const [flag, value] of [
    ['--frames', '0'],
    ['--rate', 'fast'],
    ['--cameras', '1.5'],
  ] as const) {
    const demo = spawnSync(process.execPath, ['dist/agent/main.js', 'demo', flag, value], {
      encoding: 'utf8',
    });
    t.equal(demo.status, 2);
    t.match(demo.stderr, new RegExp(`${flag} must be`));
  }
});
