/** The command line of `edgemux zoo import`: values for all models or for one, and every refusal by its flag. */
import t from 'tap';
import { importOptions } from '../../../lab/zoo/import-options.js';

const LINE = {
  model: ['local=a.onnx', 'cloud=b.onnx'],
  labels: 'labels.txt',
  size: '224x192',
  mean: ['0.5'],
  std: ['0.25'],
  name: 'mine',
  out: 'zoo',
};
const options = (argv: Record<string, unknown> = {}) => importOptions({ ...LINE, ...argv });

t.test('what is not said is torchvision’s way: RGB, NCHW, pixels / 255', (t) => {
  const [local, cloud] = options().models;
  t.match(local, {
    id: 'local',
    roles: ['local'],
    file: 'a.onnx',
    output: null,
    outputIs: null,
    flops: null,
  });
  t.same(local?.normalisation, { colour: 'rgb', scale: 255, mean: [0.5], std: [0.25] });
  t.same(local?.input, { size: { height: 224, width: 192 }, layout: null });
  t.same(local?.fitting, { fit: 'stretch', share: 1, kernel: 'bilinear' });
  t.match(cloud, { roles: ['cloud'], target: 'any', classes: null, classOrderFile: null });
  t.equal(local?.target, 'jetpack46', 'the device may be a Jetson');
  t.match(options(), {
    confidence: 0.8,
    licence: 'not stated',
    force: false,
    imageFile: null,
    calibrateDir: null,
    testDir: null,
    probeDir: null,
  });
  t.equal(options({ size: '299' }).models[0]?.input.size?.width, 299);
  t.equal(options({ size: undefined }).models[0]?.input.size, null, 'as the file says');
  t.end();
});

t.test('a value may be for one model', (t) => {
  const { models } = options({
    model: ['small:local+group=s.onnx', 'big:cloud+group=dir=1/b.onnx'],
    mean: ['0.485,0.456,0.406', 'big=127.5'],
    scale: ['255', 'big=1'],
    layout: ['big=NHWC'],
    output: ['big=Identity:0'],
    flops: ['small=3e8'],
    colour: ['small=bgr'],
    size: ['32', 'big=48x64'],
    fit: ['big=crop'],
    share: ['0.9'],
    kernel: ['bicubic', 'small=lanczos'],
    classes: ['big=1:'],
    'class-order': ['big=order.txt'],
    target: ['small=any'],
  });
  const [small, big] = models;
  t.match(small, { id: 'small', roles: ['local', 'group'], flops: 3e8, output: null });
  t.match(small?.normalisation, { mean: [0.485, 0.456, 0.406], scale: 255, colour: 'bgr' });
  t.match(small?.input, { size: { height: 32, width: 32 }, layout: null });
  t.same(small?.fitting, { fit: 'stretch', share: 1, kernel: 'lanczos' });
  t.equal(small?.target, 'any');
  t.match(big, { id: 'big', roles: ['cloud', 'group'], file: 'dir=1/b.onnx', output: 'Identity:0' });
  t.match(big?.normalisation, { mean: [127.5], scale: 1, colour: 'rgb' });
  t.match(big?.input, { size: { height: 48, width: 64 }, layout: 'nhwc' });
  t.same(big?.fitting, { fit: 'crop', share: 0.9, kernel: 'bicubic' });
  t.match(big, { classes: { from: 1, to: null }, classOrderFile: 'order.txt', target: 'any' });
  t.end();
});

t.test('each refusal names its flag and its value', (t) => {
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ model: ['local=a.onnx'] }, /--model must be given for two models or more/],
    [{ model: ['a.onnx', 'b.onnx'] }, /--model must be ID=FILE.*got a.onnx/],
    [{ model: ['a=a.onnx', 'b=b.onnx'] }, /--model must be exactly one model with the role local/],
    [{ model: ['local=a.onnx', 'local=b.onnx'] }, /--model must be an ID of its own/],
    [
      { model: ['local=a.onnx', 'b:server=b.onnx'] },
      /--model must be ID:ROLE=FILE with a role of local, cloud, group/,
    ],
    [{ size: '0x3' }, /--size must be height x width/],
    [{ size: 'big' }, /--size .*got big/],
    [{ mean: [] }, /--mean must be one number, or 3 with commas \(got nothing\)/],
    [{ mean: ['1,2'] }, /--mean .*got 1,2/],
    [{ mean: ['a=1'] }, /--mean must be for one of the models local, cloud/],
    [{ std: ['0'] }, /--std/],
    [{ scale: ['128'] }, /--scale must be 255 or 1/],
    [{ colour: ['hsv'] }, /--colour must be rgb or bgr or gray/],
    [{ share: ['0.9'] }, /--share must be given with --fit crop/],
    [{ fit: ['crop'], share: ['1.1'] }, /--share must be one number.*got 1.1/],
    [{ fit: ['cover'] }, /--fit must be stretch or crop or letterbox/],
    [{ classes: ['1'] }, /--classes must be a range/],
    [{ classes: ['5:5'] }, /--classes must be a range/],
    [{ target: ['tx2'] }, /--target must be jetpack46 or any/],
    [{ layout: ['hwc'] }, /--layout must be nchw or nhwc/],
    [{ 'output-is': ['scores'] }, /--output-is must be logits or probabilities or one-vs-rest/],
    [{ flops: ['-1'] }, /--flops/],
    [{ name: 'my zoo' }, /--name must be 1-64 characters/],
    [{ out: undefined }, /--out must be given/],
    [{ labels: undefined }, /--labels must be given/],
    [{ confidence: 1.5 }, /--confidence must be in 0 to 1/],
  ];
  for (const [argv, message] of cases) t.throws(() => options(argv), { code: 'CONFIG_INVALID', message });
  t.end();
});
