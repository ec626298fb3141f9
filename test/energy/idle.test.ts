import t from 'tap';
import { IdleBaseline } from '../../energy/rail-follower.js';
import { IdleTimes } from '../../energy/frame-tracker.js';

t.test('idle is when no frame is in flight, and some time after the last one', async (t) => {
  const times = new IdleTimes({ settleMs: 100, nowMs: 0 });
  t.notOk(times.isIdle(50, 60), 'still settling');
  t.ok(times.isIdle(150, 160));
  times.begin(1, 1000);
  t.ok(times.isIdle(990, 1000), 'before the frame');
  t.notOk(times.isIdle(995, 1005), 'reaching into it');
  times.begin(2, 1100);
  times.end(1, 1200);
  t.notOk(times.isIdle(1210, 1220), 'another is in flight');
  times.end(2, 1300);
  times.end(2, 9999);
  t.notOk(times.isIdle(1350, 1360));
  t.ok(times.isIdle(1400, 1410));
});

t.test('idle times are forgotten, and so are frames that never finish', async (t) => {
  const times = new IdleTimes({ settleMs: 0, nowMs: 0 });
  times.begin(1, 1000);
  times.prune(10_000, 2000);
  t.notOk(times.isIdle(500, 600));
  t.same([...times.frames], [1]);
  times.prune(61_001, 2000);
  t.same([...times.frames], []);
  t.ok(times.isIdle(61_002, 61_003));
});

t.test('idle power is the mean of idle samples, by their time', async (t) => {
  const baseline = new IdleBaseline(10_000);
  t.equal(baseline.powerW, null, 'nothing is made up');
  for (let i = 0; i < 200; i += 1) baseline.learn(i % 2 === 0 ? 2 : 4, 1);
  t.notOk(baseline.learned, '0.2 s are too little');
  for (let i = 0; i < 200; i += 1) baseline.learn(i % 2 === 0 ? 2 : 4, 1);
  t.ok(baseline.learned);
  t.ok(Math.abs((baseline.powerW ?? 0) - 3) < 1e-9);
});

t.test(
  'a device that is never idle nets off the lowest mean seen, and follows slow change later',
  async (t) => {
    const busy = new IdleBaseline(10_000);
    busy.consider(8);
    busy.consider(6);
    busy.consider(7);
    t.equal(busy.powerW, 6);
    t.notOk(busy.learned);
    const warming = new IdleBaseline(1000);
    for (let i = 0; i < 1000; i += 1) warming.learn(3, 1);
    for (let i = 0; i < 5000; i += 1) warming.learn(4, 1);
    t.ok(Math.abs((warming.powerW ?? 0) - 4) < 0.01);
  },
);
