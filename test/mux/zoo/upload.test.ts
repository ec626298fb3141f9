/** What a device sends: by what the server's networks look at. */
import t from 'tap';
import { systemClock } from '../../../common/clock.js';
import { checkImage } from '../../../mux/image/image-check.js';
import { decodePicture, pictureOf, prepare } from '../../../mux/image/prepare.js';
import { networkInput, type NetworkInput } from '../../../mux/zoo/input.js';
import { commonInput, makeUpload, serverInputs, wholeInput } from '../../../mux/zoo/upload.js';
import { PictureViews, refit } from '../../../mux/zoo/views.js';
import { loadZoo } from '../../../mux/zoo/zoo.js';
import { CLOUD_INPUT, stripes, writeTwoSizes, writeTwoSizesGroup } from '../../support/two-sizes.js';

const LIMITS = { maxBytes: 1e7, maxPixels: 1e7 };
const crop = networkInput(CLOUD_INPUT);
const at = (width: number, height = width, change: Partial<NetworkInput> = {}): NetworkInput => ({
  ...crop,
  width,
  height,
  ...change,
});

t.test(
  'a server without a group needs its largest model alone, one with a group all of its networks',
  async (t) => {
    t.same(serverInputs(await loadZoo(await writeTwoSizes(t.testdir()))), [crop]);
    const sizes = serverInputs(await loadZoo(await writeTwoSizesGroup(t.testdir()))).map(
      ({ width }) => width,
    );
    t.same(sizes, [32, 48, 16]);
  },
);

t.test(
  'what looks at the same part is sent once, at the largest size and with colour where one wants it',
  (t) => {
    t.match(commonInput([at(32), at(48, 48, { channels: 1 }), at(16)]), {
      width: 48,
      height: 48,
      channels: 3,
    });
    t.match(commonInput([at(64, 32, { fit: 'stretch' }), at(32, 64, { fit: 'stretch' })]), {
      width: 64,
      height: 64,
    });
    t.equal(commonInput([at(32), at(48, 48, { share: 1 })]), null, 'another share is another part');
    t.equal(commonInput([at(32), at(48, 48, { fit: 'stretch' })]), null, 'another fit is another part');
    t.equal(commonInput([at(32), at(64, 32)]), null, 'another shape is another part');
    t.end();
  },
);

t.test(
  'what looks at different parts is sent whole, no larger than the most demanding needs it',
  async (t) => {
    const inputs = [at(32), at(60, 60, { fit: 'stretch' })];
    t.match(wholeInput(inputs, { height: 160, width: 240 }), {
      width: 90,
      height: 60,
      fit: 'stretch',
      channels: 3,
    });
    t.match(
      wholeInput([at(42)], { height: 160, width: 240 }),
      { width: 72, height: 48 },
      '42 of .875 are 48',
    );
    t.match(wholeInput(inputs, { height: 16, width: 24 }), { width: 24, height: 16 }, 'nothing is enlarged');
    const original = await stripes();
    const views = new PictureViews({ clock: systemClock }, await decodePicture(original, LIMITS, inputs));
    const upload = await makeUpload(inputs, views, original);
    t.match(checkImage(upload.bytes, LIMITS), { width: 90, height: 60 });
    t.equal(upload.prepared, null, 'it is a whole picture');
  },
);

t.test(
  'a prepared picture is scaled for the same part of a scene, and taken for a whole one by any other',
  (t) => {
    const stretched = { fit: 'stretch', share: 1 };
    t.match(refit(at(32), { fit: 'crop', width: 260, height: 260 }), stretched);
    t.match(refit(at(32), { fit: 'crop', width: 260, height: 260, share: 0.5 }), {
      fit: 'crop',
      share: 0.875,
    });
    t.match(refit(at(32), { fit: 'crop', width: 260, height: 200 }), { fit: 'crop' });
    t.match(refit(at(32), { fit: 'letterbox', width: 260, height: 260 }), { fit: 'crop' });
    t.same(refit(at(32), null), at(32));
    t.end();
  },
);

t.test(
  'views are made once for equal inputs; of a picture that is gone there is what was kept',
  async (t) => {
    const picture = pictureOf(
      Uint8Array.from({ length: 12 }, (_, i) => 20 * i),
      { width: 2, height: 2, channels: 3 },
    );
    const views = new PictureViews({ clock: systemClock }, picture);
    const small = at(4, 4, { fit: 'stretch' });
    t.equal(await views.as(small), await views.as({ ...small }), 'the very same bytes');
    t.same(Buffer.from(await views.as(small)), Buffer.from(await prepare(picture, small)));
    views.keep(at(8, 8, { fit: 'stretch' }));
    t.equal((await views.as(at(8, 8, { fit: 'stretch' }))).length, 8 * 8 * 3);
    await t.rejects(views.as(small), /the picture is gone/);
  },
);
