import t from 'tap';
import fc from 'fast-check';
import { SERVER_MODES, type ServerMode } from '../../../common/policy-names.js';
import {
  combine,
  nextStep,
  startAt,
  type Group,
  type GroupPolicy,
  type GroupReading,
  type GroupStep,
} from '../../../mux/rules/group.js';
import type { Vector } from '../../../mux/rules/probabilities.js';

const GROUP: Group = { ids: ['small', 'middle', 'big'], flops: [1, 4, 20] };
const OUTPUTS: Record<string, Vector> = { small: [0.6, 0.4], middle: [0.2, 0.8], big: [0.1, 0.9] };
const READING: GroupReading = { correct: [0.8, 0.85, 0.9], weights: [0.2, 0.35, 0.45] };

const policy = (mode: ServerMode, more: Partial<GroupPolicy> = {}): GroupPolicy => ({
  mode,
  mu: 0,
  threshold: 0.3,
  escalate: { mu: 0, confidence: 0.9, ladder: [0, 1, 2] },
  exponents: [1, 1, 1],
  ...more,
});

type Done = Extract<GroupStep, { kind: 'done' }>;

/** Runs a rule to its end, as a server does. */
function play(
  group: Group,
  rule: GroupPolicy,
  reading: GroupReading | null,
  all: Record<string, Vector>,
): Done & { ran: string[]; rounds: number } {
  const outputs = new Map<string, Vector>();
  for (let rounds = 0; ; rounds += 1) {
    const step = nextStep(group, rule, reading, outputs);
    if (step.kind === 'done') return { ...step, ran: [...outputs.keys()], rounds };
    for (const id of step.models) outputs.set(id, all[id]!);
  }
}

t.test('largest runs the model with the most FLOPs and needs no mux', (t) => {
  const done = play(GROUP, policy('largest'), null, OUTPUTS);
  t.same(done.ran, ['big']);
  t.equal(done.probabilities, OUTPUTS['big']);
  t.same([...done.weights], [['big', 1]]);
  t.end();
});

t.test('single takes argmax of p − μ c / c_max: dear models need a reason', (t) => {
  t.same(play(GROUP, policy('single'), READING, OUTPUTS).ran, ['big'], 'the paper: μ = 0');
  t.same(play(GROUP, policy('single', { mu: 0.1 }), READING, OUTPUTS).ran, ['middle']);
  t.same(play(GROUP, policy('single', { mu: 1 }), READING, OUTPUTS).ran, ['small']);
  t.equal(startAt(GROUP, { correct: [0.5, 0.5, 0.5] }, 0), 0, 'the first on a tie');
  t.equal(startAt(GROUP, READING, 0, [0, 1]), 1, 'among the allowed');
  t.end();
});

t.test(
  'ensemble: Algorithm 2, the mean of those strictly above T, else the one of the largest weight',
  (t) => {
    const two = play(GROUP, policy('ensemble', { threshold: 0.3 }), READING, OUTPUTS);
    t.same(two.ran, ['middle', 'big']);
    t.equal(two.rounds, 1, 'in one go');
    t.ok(Math.abs(two.probabilities[0]! - 0.15) < 1e-6);
    t.same(
      [...two.weights],
      [
        ['middle', 0.5],
        ['big', 0.5],
      ],
    );
    t.same(
      play(GROUP, policy('ensemble', { threshold: 0.35 }), READING, OUTPUTS).ran,
      ['big'],
      'equal is not above',
    );
    const none = play(GROUP, policy('ensemble', { threshold: 0.9 }), READING, OUTPUTS);
    t.same(none.ran, ['big']);
    t.equal(none.probabilities, OUTPUTS['big']);
    t.end();
  },
);

t.test('escalate starts where the mux says and goes up while the combined answer is unsure', (t) => {
  const unsure: GroupReading = { correct: [0.9, 0.1, 0.1], weights: [1, 0, 0] };
  const done = play(GROUP, policy('escalate'), unsure, OUTPUTS);
  t.same(done.ran, ['small', 'middle', 'big']);
  t.equal(done.rounds, 3, 'one after another');
  const third = 1 / 3;
  const [a, b] = [(0.6 * 0.2 * 0.1) ** third, (0.4 * 0.8 * 0.9) ** third];
  t.ok(Math.abs(done.probabilities[1]! - b / (a + b)) < 1e-6, 'geometric mean, normalised');
  const sure = { mu: 0, confidence: 0.6, ladder: [0, 1, 2] };
  t.same(
    play(GROUP, policy('escalate', { escalate: sure }), unsure, OUTPUTS).ran,
    ['small'],
    'equal is enough',
  );
  const short = { mu: 0, confidence: 0.9, ladder: [0, 2] };
  t.same(play(GROUP, policy('escalate', { escalate: short }), unsure, OUTPUTS).ran, ['small', 'big']);
  t.same(
    play(GROUP, policy('escalate', { escalate: short }), null, OUTPUTS).ran,
    ['small', 'big'],
    'no mux: cheapest',
  );
  t.same(play(GROUP, policy('escalate'), READING, OUTPUTS).ran, ['big'], 'from the top there is no way up');
  t.end();
});

t.test('combine weighs by exponents, and leaves one model as it is', (t) => {
  const one = { probabilities: [0.7, 0.3], exponent: 0.2 };
  t.equal(combine([one]), one.probabilities);
  const two = combine([one, { probabilities: [0.1, 0.9], exponent: 0 }]);
  t.ok(Math.abs(two[0]! - 0.7) < 1e-6, 'an exponent of 0 says nothing');
  const nobody = combine([
    { probabilities: [0.7, 0.3], exponent: 0 },
    { probabilities: [0.3, 0.7], exponent: 0 },
  ]);
  t.ok(Math.abs(nobody[0]! - 0.5) < 1e-6, 'nobody has more to say: equal shares');
  t.end();
});

const unit = fc.double({ min: 0, max: 1, noNaN: true });
const distribution = (length: number) =>
  fc
    .array(fc.double({ min: 0.001, max: 1, noNaN: true }), { minLength: length, maxLength: length })
    .map((values) => {
      const sum = values.reduce((total, value) => total + value, 0);
      return values.map((value) => value / sum);
    });
const scene = fc.integer({ min: 1, max: 6 }).chain((n) =>
  fc.record({
    flops: fc.array(fc.double({ min: 1, max: 1e9, noNaN: true }), { minLength: n, maxLength: n }),
    correct: fc.array(unit, { minLength: n, maxLength: n }),
    weights: distribution(n),
    outputs: fc.array(distribution(3), { minLength: n, maxLength: n }),
    exponents: fc.array(unit, { minLength: n, maxLength: n }),
    mode: fc.constantFrom(...SERVER_MODES),
    ladder: fc.subarray(
      Array.from({ length: n }, (_, i) => i),
      { minLength: 1 },
    ),
    mu: unit,
    threshold: unit,
    confidence: unit,
  }),
);

t.test('whatever the numbers: it ends, runs each model once, and its shares and answer sum to 1', (t) => {
  fc.assert(
    fc.property(
      scene,
      ({ flops, correct, weights, outputs, exponents, mode, ladder, mu, threshold, confidence }) => {
        const ids = flops.map((_, i) => `m${i}`);
        const all = Object.fromEntries(ids.map((id, i) => [id, outputs[i]!]));
        const rule: GroupPolicy = { mode, mu, threshold, exponents, escalate: { mu, confidence, ladder } };
        const done = play({ ids, flops }, rule, { correct, weights }, all);
        const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0);
        return (
          done.ran.length >= 1 &&
          done.rounds <= ids.length &&
          Math.abs(sum(done.weights.values()) - 1) < 1e-9 &&
          Math.abs(sum(Array.from(done.probabilities)) - 1) < 1e-5 &&
          [...done.weights.keys()].every((id) => done.ran.includes(id)) &&
          (mode === 'ensemble' || mode === 'escalate' || done.ran.length === 1)
        );
      },
    ),
  );
  t.end();
});

t.test(
  'a higher μ never starts dearer; a higher confidence never runs fewer models; a higher T never more',
  (t) => {
    fc.assert(
      fc.property(scene, unit, (s, other) => {
        const group = { ids: s.flops.map((_, i) => `m${i}`), flops: s.flops };
        const all = Object.fromEntries(group.ids.map((id, i) => [id, s.outputs[i]!]));
        const rule = (mode: ServerMode, value: number): GroupPolicy => ({
          mode,
          mu: value,
          threshold: value,
          exponents: s.exponents,
          escalate: { mu: s.mu, confidence: value, ladder: s.ladder },
        });
        const ran = (mode: ServerMode, value: number) => play(group, rule(mode, value), s, all).ran;
        const [low, high] = [Math.min(s.mu, other), Math.max(s.mu, other)];
        const cost = (value: number) => s.flops[startAt(group, s, value)]!;
        return (
          cost(high) <= cost(low) &&
          ran('escalate', high).length >= ran('escalate', low).length &&
          ran('ensemble', high).length <= ran('ensemble', low).length
        );
      }),
    );
    t.end();
  },
);
