import t from 'tap';
import { amount, optionalText, providerList, requiredText, whole } from '../../lab/flags.js';

const refusal = (message: RegExp) => ({ code: 'CONFIG_INVALID', message });

t.test(
  'a number outside of its bounds is refused with its flag, its bounds and what was given',
  async (t) => {
    t.equal(whole('frames', '12', 1, 12), 12);
    t.equal(amount('idle', 0.5, 0.5, 3600), 0.5);
    for (const value of [0, 13, 1.5, 'many', undefined, NaN]) {
      t.throws(
        () => whole('frames', value, 1, 12),
        refusal(/^--frames must be .* 1 to 12 \(got/),
        `${value}`,
      );
    }
    for (const value of [0.4, 3601, 'long', undefined]) {
      t.throws(() => amount('idle', value, 0.5, 3600), refusal(/--idle must be a number from 0.5 to 3600/));
    }
  },
);

t.test('a text that is not given is null, and refused where it is needed', async (t) => {
  t.equal(optionalText(undefined), null);
  t.equal(optionalText(''), null);
  t.equal(optionalText('x'), 'x');
  t.equal(requiredText({ out: 'folder' }, 'out'), 'folder');
  t.throws(() => requiredText({}, 'out'), refusal(/--out must be given \(got nothing\)/));
  t.throws(() => requiredText({ name: 'a b' }, 'name', /^\w+$/, 'one word'), refusal(/one word \(got a b\)/));
});

t.test('providers come in the order that was given; a stranger is named', async (t) => {
  t.same(providerList('cuda, cpu'), ['cuda', 'cpu']);
  t.throws(() => providerList('cpu,gpu'), refusal(/--provider must be some of .*\(got gpu\)/));
});
