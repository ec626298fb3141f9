/** A program that ends by `process.exit(7)` while its worker is inside a long run, or opens its sessions. */
import { setTimeout as sleep } from 'node:timers/promises';
import { framesIn, createBoard } from '../../../common/activity.js';
import { loadTestSet } from '../../../lab/zoo/testset.js';
import { loadZoo } from '../../../mux/zoo/zoo.js';
import { batch, cpuInference, SHIPPED_ZOO } from './zoos.js';

const COUNT = 300;
const zoo = await loadZoo(SHIPPED_ZOO);
const board = createBoard();
const inference = cpuInference(zoo, { board: board.buffer });
const starting = inference.start();
if (process.argv[2] === 'run') {
  await starting;
  const set = await loadTestSet(zoo);
  inference.classify(zoo.largest.id, batch(set.images, 0, COUNT), COUNT).catch(() => undefined);
  while (framesIn(board, 'local') === 0) await sleep(1);
} else {
  starting.catch(() => undefined);
  await sleep(Number(process.argv[3]));
}
process.exit(7);
