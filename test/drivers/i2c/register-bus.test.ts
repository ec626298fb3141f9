import t from 'tap';
import { openI2cBus } from '../../../drivers/i2c/i2c-bus.js';
import { recoveryFor, translateBusError } from '../../../drivers/i2c/register-bus.js';

type Module = NonNullable<Parameters<typeof openI2cBus>[1]> extends () => infer M ? M : never;

/** An error as i2c-bus throws it from a transfer: errno positive or negative, code sometimes empty. */
function transferError(errno: number, code = ''): Error {
  return Object.assign(new Error(`${code}, transfer`), { errno, code, syscall: 'readWordSync' });
}

function openError(errno: number, code: string): Error {
  return Object.assign(new Error(`${code}: open`), { errno, code, syscall: 'open' });
}

t.test('each Linux error has its code and its recovery', async (t) => {
  const cases = [
    [transferError(121), 'CHIP_NOT_ANSWERING', 'retry'],
    [transferError(-121, 'EREMOTEIO'), 'CHIP_NOT_ANSWERING', 'retry'],
    [transferError(6, 'ENXIO'), 'CHIP_NOT_ANSWERING', 'retry'],
    [transferError(19, 'ENODEV'), 'CHIP_NOT_ANSWERING', 'retry'],
    [transferError(11, 'EAGAIN'), 'BUS_ARBITRATION_LOST', 'retry'],
    [transferError(110, 'ETIMEDOUT'), 'BUS_STUCK', 'reopen'],
    [transferError(5, 'EIO'), 'BUS_STUCK', 'reopen'],
    [transferError(16, 'EBUSY'), 'BUS_BUSY', 'configuration'],
    [openError(-2, 'ENOENT'), 'BUS_UNAVAILABLE', 'configuration'],
    [openError(-6, 'ENXIO'), 'BUS_UNAVAILABLE', 'configuration'],
    [openError(-13, 'EACCES'), 'BUS_FORBIDDEN', 'configuration'],
    [new Error('unheard of'), 'SENSOR_FAILED', 'reopen'],
  ] as const;
  for (const [error, code, recovery] of cases) {
    const translated = translateBusError(error, 'i2c-1 0x44');
    t.equal(translated.code, code, `${error.message} is ${code}`);
    t.equal(recoveryFor(translated), recovery, `${code} asks for ${recovery}`);
    t.match(translated.message, /^i2c-1 0x44: /);
  }
});

t.test('words cross the wire most significant byte first', async (t) => {
  const written: number[] = [];
  const bus = openI2cBus(1, fakeModule({ read: () => 0x3412, write: (word) => written.push(word) }));
  t.equal(bus.read(0x44, 1), 0x1234, 'wire 12 34 is read by SMBus as 0x3412');
  bus.write(0x44, 0, 0x4127);
  t.same(written, [0x2741]);
});

t.test('a first transfer that fails leaves no descriptor with a wrong address behind', async (t) => {
  let fail: Error | null = transferError(16, 'EBUSY');
  let closed = 0;
  const read = (): number => {
    if (fail) throw fail;
    return 0;
  };
  const bus = openI2cBus(1, fakeModule({ read, close: () => (closed += 1) }));
  t.throws(() => bus.read(0x44, 1), { code: 'BUS_BUSY' });
  t.equal(closed, 1, 'closed: i2c-bus would go on with no address set');
  fail = null;
  bus.read(0x44, 1);
  fail = transferError(121);
  t.throws(() => bus.read(0x44, 1), { code: 'CHIP_NOT_ANSWERING' });
  t.equal(closed, 1, 'an address that worked before keeps its descriptor');
});

t.test('reopening closes, counts, and survives a close that fails', async (t) => {
  const close = (): never => {
    throw new Error('bad descriptor');
  };
  const bus = openI2cBus(1, fakeModule({ read: () => 0, close }));
  bus.read(0x44, 1);
  bus.reopen();
  t.equal(bus.generation, 1);
  t.equal(bus.read(0x44, 1), 0);
  bus.close();
  bus.close();
});

t.test('forceAccess is never asked for', async (t) => {
  const options: unknown[] = [];
  const module = fakeModule({ read: () => 0 })();
  const bus = openI2cBus(1, () => ({
    openSync: (number, ...rest) => {
      options.push(...rest);
      return module.openSync(number);
    },
  }));
  bus.read(0x44, 1);
  t.same(options, []);
});

function fakeModule(calls: {
  read?: () => number;
  write?: (word: number) => void;
  close?: () => void;
}): () => Module {
  const bus = {
    readWordSync: () => calls.read?.() ?? 0,
    writeWordSync: (_address: number, _register: number, word: number) => calls.write?.(word),
    closeSync: () => calls.close?.(),
  };
  return () => ({ openSync: () => bus }) as unknown as Module;
}
