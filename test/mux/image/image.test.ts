import sharp from 'sharp';
import t from 'tap';
import { formatOf } from '../../../mux/image/formats/registry.js';
import { decodeImage, encodeForUpload, encodeJpeg, encodePng } from '../../../mux/image/image.js';

const limits = { maxPixels: 1_000_000 };
const grey = { height: 28, width: 28, channels: 1 } as const;
const colour = { height: 16, width: 24, channels: 3 } as const;
const raw = (width: number, height: number, channels: 1 | 3 | 4, data: number[] | Uint8Array) =>
  sharp(Uint8Array.from(data), { raw: { width, height, channels } });
const ramp = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 7) % 256);
const largestGap = (a: Uint8Array, b: Uint8Array) =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

t.test('an original that is small and costly to decode is not what a server gets', async (t) => {
  const shape = { height: 32, width: 32, channels: 1 } as const;
  const side = 3000;
  const pixels = new Uint8Array(32 * 32).map((_, i) => (i * 7919) % 256);
  const flat = sharp({ create: { width: side, height: side, channels: 3, background: '#777' } });
  const original = await flat.webp({ lossless: true, effort: 0 }).toBuffer();
  const upload = await encodeForUpload(pixels, shape, original);
  t.ok(original.length < upload.bytes.length, `${original.length} bytes`);
  t.not(upload.bytes, original);
});

t.test('a PNG of the input size comes back bit by bit, grey and colour', async (t) => {
  const pixels = ramp(784);
  t.same(Buffer.from(await decodeImage(await encodePng(pixels, grey), grey, limits)), Buffer.from(pixels));
  const rgb = ramp(16 * 24 * 3);
  t.same(Buffer.from(await decodeImage(await encodePng(rgb, colour), colour, limits)), Buffer.from(rgb));
});

t.test('every format, depth and colour space gives exactly height x width x channels bytes', async (t) => {
  const wide = sharp({
    create: { width: 320, height: 200, channels: 3, background: { r: 200, g: 100, b: 50 } },
  });
  const samples = {
    jpeg: await wide.clone().jpeg().toBuffer(),
    progressive: await wide.clone().jpeg({ progressive: true }).toBuffer(),
    webp: await wide.clone().webp().toBuffer(),
    palette: await wide.clone().png({ palette: true }).toBuffer(),
    deep: await wide.clone().toColourspace('rgb16').png().toBuffer(),
    greyscale: await wide.clone().greyscale().jpeg().toBuffer(),
    alpha: await wide.clone().ensureAlpha(1).png().toBuffer(),
    cmyk: await wide.clone().toColourspace('cmyk').jpeg().toBuffer(),
    greyAlpha: await wide.clone().greyscale().ensureAlpha(1).png().toBuffer(),
  };
  for (const [name, bytes] of Object.entries(samples)) {
    const one = await decodeImage(bytes, grey, limits);
    t.equal(one.length, 784, `${name} as grey`);
    t.ok(Math.abs(one[400]! - 124) < 25, `${name}: ${one[400]} is the grey of the colour`);
    const three = await decodeImage(bytes, colour, limits);
    t.equal(three.length, 16 * 24 * 3, `${name} as colour`);
    if (name.startsWith('grey')) continue;
    t.ok(
      Math.abs(three[0]! - 200) < 32 && Math.abs(three[2]! - 50) < 40, // CMYK is converted without colour management
      `${name}: ${three.slice(0, 3).join()}`,
    );
  }
});

t.test('EXIF orientation is honoured', async (t) => {
  // left half black, right half white; orientation 6: turn 90 degrees clockwise to view
  const halves = raw(2, 1, 1, [0, 255]).resize(64, 64, { kernel: 'nearest' });
  const upright = await halves.clone().png().toBuffer();
  const turned = await sharp(upright).jpeg({ quality: 100 }).withMetadata({ orientation: 6 }).toBuffer();
  const shape = { height: 2, width: 2, channels: 1 } as const;
  const [a, b, c, d] = await decodeImage(turned, shape, limits);
  t.ok(a! < 60 && b! < 60 && c! > 195 && d! > 195, `black above white: ${[a, b, c, d].join()}`);
});

t.test('what is transparent counts as black', async (t) => {
  const clear = await raw(1, 1, 4, [255, 255, 255, 0]).resize(28, 28).png().toBuffer();
  t.equal(Math.max(...(await decodeImage(clear, grey, limits))), 0);
});

t.test('a wide frame is stretched to the input, not cropped or padded', async (t) => {
  const stripes = await raw(4, 1, 1, [0, 80, 160, 240])
    .resize(400, 20, { kernel: 'nearest' })
    .png()
    .toBuffer();
  const pixels = await decodeImage(stripes, { height: 4, width: 4, channels: 1 }, limits);
  t.ok(pixels[0]! < 25 && pixels[3]! > 215);
  t.same(Buffer.from(pixels.slice(0, 4)), Buffer.from(pixels.slice(12, 16)));
});

t.test('broken, cut, oversized and foreign images are IMAGE_UNDECODABLE', async (t) => {
  const jpeg = await encodeJpeg(ramp(784), grey, 90);
  const png = Buffer.from(await encodePng(ramp(784), grey));
  const broken = Buffer.from(png);
  broken.fill(0x55, 60, 120);
  const gif = await raw(4, 4, 3, ramp(48)).gif().toBuffer();
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
  for (const bytes of [
    png.subarray(0, 90),
    broken,
    Buffer.from('text'),
    jpeg.slice(0, 30),
    new Uint8Array(),
  ]) {
    await t.rejects(decodeImage(bytes, grey, limits), { code: 'IMAGE_UNDECODABLE' });
  }
  await t.rejects(decodeImage(png, grey, { maxPixels: 783 }), { code: 'IMAGE_UNDECODABLE' });
  for (const foreign of [gif, svg]) {
    await t.rejects(decodeImage(foreign, grey, limits), { code: 'IMAGE_UNDECODABLE' });
  }
});

t.test('an upload is the smaller of the original and a re-encoding at the input size', async (t) => {
  const pixels = ramp(784);
  const large = await sharp(Buffer.from(pixels), { raw: { ...grey } })
    .resize(640, 480)
    .jpeg()
    .toBuffer();
  const shrunk = await encodeForUpload(pixels, grey, large);
  t.equal(shrunk.type, 'image/png');
  t.ok(shrunk.bytes.length < large.length);
  t.same(
    Buffer.from(await decodeImage(shrunk.bytes, grey, limits)),
    Buffer.from(pixels),
    'the server sees the same',
  );
  const sample = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#777' } })
    .png({ palette: true })
    .toBuffer();
  t.equal(
    (await encodeForUpload(pixels, grey, sample)).bytes,
    sample,
    'an original that is smaller goes as it is',
  );
});

t.test('large inputs are uploaded as JPEG of high quality', async (t) => {
  const shape = { height: 224, width: 224, channels: 3 } as const;
  const pixels = Uint8Array.from(
    await sharp(ramp(48), { raw: { width: 4, height: 4, channels: 3 } })
      .resize(224, 224)
      .raw()
      .toBuffer(),
  );
  const upload = await encodeForUpload(pixels, shape, new Uint8Array(1_000_000));
  t.equal(upload.type, 'image/jpeg');
  t.ok(upload.bytes.length < 50_000);
  t.ok(largestGap(await decodeImage(upload.bytes, shape, limits), pixels) < 24);
});

t.test('media types follow the first bytes', async (t) => {
  const mediaTypeOf = (bytes: Uint8Array) => formatOf(bytes).mediaType;
  t.equal(mediaTypeOf(await encodeJpeg(ramp(784), grey, 90)), 'image/jpeg');
  t.equal(mediaTypeOf(await encodePng(ramp(784), grey)), 'image/png');
  t.equal(mediaTypeOf(await raw(2, 2, 3, ramp(12)).webp().toBuffer()), 'image/webp');
});
