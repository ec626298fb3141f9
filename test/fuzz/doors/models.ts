/** ONNX files through the reading and the checks of `edgemux zoo import`, up to the file that it would write. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freeBatch } from '../../../lab/zoo/onnx/onnx-batch.js';
import { checkVersions, findInput, findOutput, type WantedInput } from '../../../lab/zoo/onnx/onnx-check.js';
import { decodeModel, encodeModel } from '../../../lab/zoo/onnx/onnx-file.js';
import { countFlops, flopsProbe } from '../../../lab/zoo/onnx/onnx-flops.js';
import { clearNames } from '../../../lab/zoo/onnx/onnx-names.js';
import { originOf } from '../../../lab/zoo/onnx/onnx-scores.js';
import { FLOAT, floats, node, onnxModel, tensorInfo, type Graph } from '../../mux/support/onnx.js';
import { FRAGILE, linear, MUX } from '../../mux/support/tiny-zoo.js';
import { SHIPPED_ZOO } from '../../mux/support/zoos.js';
import type { Dice } from '../dice.js';
import { refusalOr, type Door } from '../door.js';
import { mutateBytes } from '../mutate-bytes.js';

const WANTED: WantedInput = { size: { height: 2, width: 2 }, layout: 'nhwc', colour: 'gray' };

/** As somebody would bring it: float input, one score a class. */
const FOREIGN: Graph = {
  nodes: [
    node('Flatten', ['x'], 'flat', { axis: 1 }),
    node('Reshape', ['flat', 'shape'], 'rows'),
    node('MatMul', ['rows', 'w'], 'scores'),
  ],
  initializers: [floats('w', [4, 3], [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1])],
  inputs: [tensorInfo('x', FLOAT, ['N', 2, 2, 1])],
  outputs: [tensorInfo('scores', FLOAT, ['N', 3])],
};

export const models: Door = {
  name: 'models',
  cases: 800,
  async open() {
    const tiny = [FOREIGN, linear([1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3]), MUX, FRAGILE].map(onnxModel);
    const corpus = [...tiny, ...tiny, nestedGraphs(30), nestedGraphs(20_000), shippedMux()];
    return {
      knock: (dice) =>
        refusalOr(() => {
          const seed = dice.pick(corpus);
          read(dice.chance(0.5) ? oneByte(seed, dice) : mutateBytes(seed, dice, corpus));
        }),
    };
  },
};

/** Most of a file with one wrong byte is still read, and gets further. */
function oneByte(bytes: Buffer, dice: Dice): Buffer {
  const copy = Buffer.from(bytes);
  copy[dice.below(copy.length)] = dice.below(256);
  return copy;
}

function shippedMux(): Buffer {
  return readFileSync(join(SHIPPED_ZOO, 'mux.onnx'));
}

/** A graph in a node in a graph, and so on: readers that recurse run out of stack. */
function nestedGraphs(depth: number): Buffer {
  const field = (tag: number, bytes: Buffer): Buffer => {
    const length: number[] = [];
    for (let rest = bytes.length; ; rest = Math.floor(rest / 128)) {
      length.push(rest >= 128 ? (rest % 128) | 0x80 : rest);
      if (rest < 128) break;
    }
    return Buffer.concat([Buffer.from([(tag << 3) | 2, ...length]), bytes]);
  };
  let graph = field(1, field(4, Buffer.from('Relu')));
  for (let n = 0; n < depth && graph.length < 1_000_000; n += 1) {
    graph = field(1, field(5, field(6, graph))); // GraphProto.node → NodeProto.attribute → AttributeProto.g
  }
  return field(7, graph);
}

function read(bytes: Buffer): void {
  const model = decodeModel(bytes, 'fuzz.onnx');
  const asking = { id: 'fuzz', path: 'fuzz.onnx', target: 'jetpack46' } as const;
  const { lowered } = checkVersions(model, asking);
  const { name } = findInput(model, asking, WANTED);
  originOf(model.graph, findOutput(model, asking.path, null).name);
  clearNames(model.graph, lowered ?? []);
  model.graph.node = freeBatch(model.graph, lowered ?? model.graph.node ?? [], name, 1);
  const probe = flopsProbe(model);
  countFlops(model.graph, new Float32Array(probe?.length ?? 0));
  encodeModel(model);
}
