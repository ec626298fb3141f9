import { randomBytes } from 'node:crypto';
import sharp from 'sharp';
import t, { type Test } from 'tap';
import fc from 'fast-check';
import { isEdgemuxError } from '../../../common/errors.js';
import { checkImage } from '../../../mux/image/image-check.js';
import { unwrapImage } from '../../../mux/image/unwrap.js';

const limits = { maxBytes: 1 << 20, maxPixels: 1_000_000 };
const photo = sharp({ create: { width: 60, height: 40, channels: 3, background: '#a53' } });
const jpeg = await photo.clone().jpeg().toBuffer();
const png = await photo.clone().png().toBuffer();
const webp = await photo.clone().webp().toBuffer();
const base64 = jpeg.toString('base64');

function gives(t: Test, text: string, path: string | null, what: string): void {
  t.ok(jpeg.equals(unwrapImage(Buffer.from(text), { maxBytes: limits.maxBytes, path })), what);
}

t.test('base64 text of an image is unwrapped, with line breaks, in quotes or as a data URL', (t) => {
  const texts = {
    plain: base64,
    'ended by a line feed': `${base64}\n`,
    'in lines': base64.replace(/.{76}/g, '$&\r\n'),
    'for URLs': jpeg.toString('base64url'),
    quoted: `"${base64}"`,
    'quoted, with the slashes that PHP escapes': `"${base64.replaceAll('/', '\\/')}"`,
    'quoted, with escaped line breaks': `"${base64.replace(/.{76}/g, '$&\\n')}" `,
    'data URL': `data:image/jpeg;base64,${base64}`,
    'data URL in upper case': `DATA:IMAGE/JPEG;BASE64,${base64}`,
    'data URL of a subtype in upper case': `data:image/JPEG;base64,${base64}`,
    'data URL with parameters': `data:image/jpeg;charset=utf-8;name=a.jpg;base64,${base64}`,
    'data URL without a type': `data:;base64,${base64}`,
    'quoted data URL': `"data:image/jpeg;base64,${base64}"`,
  };
  for (const [what, text] of Object.entries(texts)) gives(t, text, null, what);
  for (const other of [png, webp])
    t.ok(other.equals(unwrapImage(Buffer.from(other.toString('base64')))), 'of every format');
  t.end();
});

t.test("Node-RED's buffers are unwrapped", (t) => {
  gives(t, JSON.stringify(jpeg), null, 'as JSON.stringify writes it');
  gives(t, JSON.stringify(jpeg, null, 2), null, 'indented');
  gives(t, JSON.stringify({ data: [...jpeg], type: 'Buffer' }), null, 'type last');
  gives(t, JSON.stringify({ payload: jpeg, topic: 'x' }), 'payload', 'inside a message');
  gives(t, JSON.stringify(jpeg), 'params.image', 'where the others have a path');
  t.end();
});

t.test('the member that cameras.payloadPath names is unwrapped', (t) => {
  const awkward = { 'a"b\\': [[1, '"]}'], { image: 'no' }], other: null, big: 1.5e3 };
  gives(t, JSON.stringify({ image: base64 }), 'image', 'at the top');
  gives(
    t,
    ` ${JSON.stringify({ ...awkward, params: { ...awkward, image: base64 } }, null, 1)}`,
    'params.image',
    'deep',
  );
  gives(t, JSON.stringify({ image: `data:image/jpeg;base64,${base64}` }), 'image', 'a data URL');
  gives(t, `{"\\u0069mage":"${base64.replaceAll('/', '\\/')}"}`, 'image', 'escaped');
  gives(t, base64, 'image', 'base64 without JSON still is');
  t.equal(unwrapImage(jpeg, { path: 'image' }), jpeg, 'so are bytes');
  t.end();
});

t.test('JSON without the image says which key names it', (t) => {
  const refusal = (text: string, path: string | null, message: RegExp) => {
    t.throws(() => unwrapImage(Buffer.from(text), { path }), { code: 'IMAGE_NOT_AN_IMAGE', message }, text);
  };
  refusal(JSON.stringify({ image: base64 }), null, /cameras\.payloadPath names the member/);
  refusal(
    JSON.stringify({ image: base64 }),
    'picture',
    /without an image in 'picture' \(cameras\.payloadPath\)/,
  );
  refusal('{"picture":12}', 'picture', /'picture'/);
  refusal('{"picture":{"type":"Buffer","data":[255,216,256]}}', 'picture', /'picture'/);
  refusal('{"type":"Buffer","data":[255,,216]}', null, /JSON object/);
  refusal('{"a":{"b":"', 'a.b', /'a\.b'/);
  refusal('{', 'a', /'a'/);
  t.end();
});

t.test('what is no text of an image stays as it came', (t) => {
  const untouched = (payload: Buffer, maxBytes?: number) =>
    t.equal(unwrapImage(payload, maxBytes === undefined ? {} : { maxBytes }), payload);
  untouched(jpeg);
  untouched(Buffer.from(randomBytes(64).toString('base64').replace(/^.{4}/, 'AAAA')));
  untouched(Buffer.concat([Buffer.from(base64), Buffer.alloc(2000, 'A')]), 10);
  untouched(Buffer.from('"'));
  t.throws(() => checkImage(unwrapImage(Buffer.from('/9j/ is how they begin!')), limits), {
    code: 'IMAGE_TRUNCATED',
  });
  t.end();
});

t.test('JSON of many tokens is given up, and one of large strings and lists is not', (t) => {
  const many = Buffer.from(`{"a":[${'[],'.repeat(1 << 20)}[]],"image":"${base64}"}`);
  t.throws(() => unwrapImage(many, { path: 'image' }), { code: 'IMAGE_NOT_AN_IMAGE' });
  const list = `[${'12, '.repeat(1 << 18)}3]`;
  gives(t, `{"pad":"${'x'.repeat(1 << 20)}","list":${list},"image":"${base64}"}`, 'image', 'large');
  t.end();
});

t.test('whatever the text, the answer is bytes or one of our refusals', (t) => {
  const pieces = [
    '{',
    '}',
    '[',
    ']',
    '"',
    '\\',
    ',',
    ':',
    ' ',
    'type',
    'Buffer',
    'data',
    '255',
    'image',
    '/9j/',
    'é',
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 60 }), (found) => {
      const payload = Buffer.from(found.join(''));
      try {
        return (
          unwrapImage(payload, { maxBytes: 1000, path: 'image' }).length <= Math.max(1000, payload.length)
        );
      } catch (error) {
        return isEdgemuxError(error);
      }
    }),
    { numRuns: 3000 },
  );
  t.end();
});
