/** Runs the trainer's own unit tests (unittest) where a Python with torch, torchvision and onnx is installed. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import { candidates, hasTorch } from '../../../scripts/train/run.js';

const ROOT = join(import.meta.dirname, '../../../..');
const python = candidates(process.env).find(hasTorch);

t.test(
  'the trainer’s unit tests pass',
  { skip: python === undefined && 'no Python with torch' },
  async (t) => {
    const args = ['-m', 'unittest', 'discover', '-s', join(ROOT, 'test', 'scripts', 'train')];
    const run = spawnSync(python ?? '', args, { cwd: ROOT, encoding: 'utf8' });
    if (run.status !== 0) t.comment(run.stderr.slice(-4000));
    t.equal(run.status, 0);
  },
);
