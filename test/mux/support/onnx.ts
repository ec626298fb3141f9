/** Writes tiny ONNX models and reads the header of real ones: the few protobuf fields of onnx.proto that matter. */

const VARINT = 0;
const BYTES = 2;

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Buffer.from(bytes);
}

type Value = number | string | Buffer;

/** One field; a number as varint, text and bytes with their length. */
function field(number: number, value: Value): Buffer {
  if (typeof value === 'number') return Buffer.concat([varint((number << 3) | VARINT), varint(value)]);
  const bytes = Buffer.from(value);
  return Buffer.concat([varint((number << 3) | BYTES), varint(bytes.length), bytes]);
}

function message(...fields: [number, Value][]): Buffer {
  return Buffer.concat(fields.map(([number, value]) => field(number, value)));
}

export const FLOAT = 1;
export const UINT8 = 2;
const INT64 = 7;

/** ValueInfoProto; a dim given as text is symbolic. */
export function tensorInfo(name: string, type: number, dims: (number | string)[]): Buffer {
  const shape = message(
    ...dims.map((dim): [number, Value] => [1, message(typeof dim === 'number' ? [1, dim] : [2, dim])]),
  );
  return message([1, name], [2, message([1, message([1, type], [2, shape])])]);
}

/** TensorProto of float32 values. */
export function floats(name: string, dims: number[], values: number[]): Buffer {
  const raw = Buffer.from(Float32Array.from(values).buffer);
  return message(...dims.map((dim): [number, Value] => [1, dim]), [2, FLOAT], [8, name], [9, raw]);
}

/** TensorProto of int64 values. */
export function integers(name: string, dims: number[], values: number[]): Buffer {
  const raw = Buffer.from(BigInt64Array.from(values.map(BigInt)).buffer);
  return message(...dims.map((dim): [number, Value] => [1, dim]), [2, INT64], [8, name], [9, raw]);
}

/** NodeProto; attributes are integers only. */
export function node(
  type: string,
  inputs: string[],
  output: string,
  attributes: Record<string, number> = {},
): Buffer {
  return message(
    ...inputs.map((name): [number, Value] => [1, name]),
    [2, output],
    [4, type],
    ...Object.entries(attributes).map(([name, value]): [number, Value] => [
      5,
      message([1, name], [3, value], [20, 2]),
    ]),
  );
}

export interface Graph {
  nodes: Buffer[];
  initializers: Buffer[];
  inputs: Buffer[];
  outputs: Buffer[];
}

/** ModelProto at IR 7, opset 13. */
export function onnxModel({ nodes, initializers, inputs, outputs }: Graph): Buffer {
  const tag =
    (number: number) =>
    (bytes: Buffer): [number, Value] => [number, bytes];
  const graph = message(
    ...nodes.map(tag(1)),
    [2, 'tiny'],
    ...initializers.map(tag(5)),
    ...inputs.map(tag(11)),
    ...outputs.map(tag(12)),
  );
  return message([1, 7], [7, graph], [8, message([2, 13])]);
}

/** Reads one varint; numbers beyond 2^53 lose digits, which no field here has. */
function readVarint(bytes: Buffer, start: number): { value: number; next: number } {
  let value = 0;
  let scale = 1;
  let next = start;
  for (;;) {
    const byte = bytes.readUInt8(next);
    next += 1;
    value += (byte & 0x7f) * scale;
    scale *= 128;
    if (byte < 0x80) return { value, next };
  }
}

/** Top-level fields of a protobuf message. */
function* fieldsOf(bytes: Buffer): Generator<{ number: number; value: number | Buffer }> {
  let offset = 0;
  while (offset < bytes.length) {
    const key = readVarint(bytes, offset);
    const number = Math.floor(key.value / 8);
    if (key.value % 8 === VARINT) {
      const { value, next } = readVarint(bytes, key.next);
      offset = next;
      yield { number, value };
    } else if (key.value % 8 === BYTES) {
      const length = readVarint(bytes, key.next);
      offset = length.next + length.value;
      yield { number, value: bytes.subarray(length.next, offset) };
    } else {
      offset = key.next + (key.value % 8 === 1 ? 8 : 4);
    }
  }
}

/** `ir_version` and the opset version of each domain ('' is ONNX itself). */
export function readHeader(model: Buffer): { ir: number; opsets: Record<string, number> } {
  let ir = 0;
  const opsets: Record<string, number> = {};
  for (const { number, value } of fieldsOf(model)) {
    if (number === 1 && typeof value === 'number') ir = value;
    if (number !== 8 || typeof value === 'number') continue;
    const parts = [...fieldsOf(value)];
    const domain = String(parts.find((part) => part.number === 1)?.value ?? '');
    opsets[domain] = Number(parts.find((part) => part.number === 2)?.value ?? 0);
  }
  return { ir, opsets };
}
