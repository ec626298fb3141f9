import t from 'tap';
import { FairShares } from '../../common/fair-shares.js';

/** Serves senders that always have more to ask for, `rounds` times. Returns what each was served in cost. */
function serveAll(costs: Record<string, number>, rounds: number): Record<string, number> {
  const shares = new FairShares();
  const starts = new Map(Object.keys(costs).map((sender) => [sender, shares.startOf(sender)]));
  const served: Record<string, number> = Object.fromEntries(Object.keys(costs).map((sender) => [sender, 0]));
  for (let i = 0; i < rounds; i += 1) {
    const [sender = '', start = 0] = [...starts].reduce((least, one) => (one[1] < least[1] ? one : least));
    const cost = costs[sender] ?? 0;
    shares.serve(sender, start, cost);
    served[sender] = (served[sender] ?? 0) + cost;
    starts.set(sender, shares.startOf(sender));
  }
  return served;
}

t.test(
  'senders that always ask get equal cost, whatever one piece costs, within the two dearest pieces',
  async (t) => {
    const served = serveAll({ cheap: 1, dear: 100, middle: 7 }, 5000);
    const all = Object.values(served);
    t.ok(Math.max(...all) - Math.min(...all) <= 107, JSON.stringify(served));
  },
);

t.test('one that asked for nothing has saved nothing up', async (t) => {
  const shares = new FairShares();
  for (let i = 0; i < 100; i += 1) shares.serve('busy', shares.startOf('busy'), 1);
  t.equal(shares.startOf('late'), 99, 'as if it had come now');
  shares.serve('late', shares.startOf('late'), 1);
  t.equal(shares.startOf('late'), shares.startOf('busy'));
});

t.test('a sender alone is served at once, and waits for a newcomer after that', async (t) => {
  const shares = new FairShares();
  shares.serve('dear', shares.startOf('dear'), 500);
  t.ok(shares.startOf('new') < shares.startOf('dear'));
  shares.serve('new', shares.startOf('new'), 1);
  t.ok(shares.startOf('new') < shares.startOf('dear'), 'and again, until it has had as much');
});

t.test('ever new senders do not change the order of those that have had more than others', async (t) => {
  const shares = new FairShares();
  shares.serve('dear', 0, 1e9);
  for (let i = 0; i < 5000; i += 1) shares.serve(`s${i}`, shares.startOf(`s${i}`), 1);
  t.equal(shares.startOf('dear'), 1e9);
  t.ok(shares.startOf('s1') < 1e9);
});
