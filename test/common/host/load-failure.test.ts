import t from 'tap';
import { loadRemedy } from '../../../common/host/load-failure.js';

/** Texts as glibc 2.27 to 2.36 and Node.js 20 print them. */
const SYSTEMS_LIBRT =
  "/opt/node/glibc/libpthread.so.0: version `GLIBC_PRIVATE' not found (required by /lib/aarch64-linux-gnu/librt.so.1)";

t.test('parts of two C libraries in one process are named, and how to load the right one', async (t) => {
  const remedy = loadRemedy(SYSTEMS_LIBRT) ?? '';
  t.match(remedy, '/lib/aarch64-linux-gnu/librt.so.1 is not of the build of /opt/node/glibc/libpthread.so.0');
  t.match(remedy, 'Node.js must load its own librt.so.1 first: run scripts/jetpack/node.sh again');
});

t.test('the same in the words of a relocation, with the comma of older loaders and without', async (t) => {
  for (const comma of ['', ',']) {
    const text = `/lib/aarch64-linux-gnu/libresolv.so.2: symbol __resolv_context_get${comma} version GLIBC_PRIVATE not defined in file libc.so.6 with link time reference`;
    t.match(loadRemedy(text), /libresolv\.so\.2 is not of the build of libc\.so\.6.*node\.sh/);
  }
  const symbol =
    '/lib/aarch64-linux-gnu/librt.so.1: undefined symbol: __pthread_unwind, version GLIBC_PRIVATE';
  t.match(loadRemedy(symbol), /librt\.so\.1 is not of the build.*its own librt\.so\.1/);
});

t.test('a part that node.sh does not care for is added by hand, for this Node.js', async (t) => {
  const text =
    "/opt/node/glibc/libc.so.6: version `GLIBC_PRIVATE' not found (required by /lib/aarch64-linux-gnu/libnsl.so.1)";
  const remedy = loadRemedy(text) ?? '';
  t.match(remedy, `patchelf --add-needed libnsl.so.1 ${process.execPath}`);
  t.match(remedy, "put the newer system's libnsl.so.1 into /opt/node/glibc");
});

t.test('a C or C++ library that is too old is named, with what wants it', async (t) => {
  const cases: Record<string, RegExp> = {
    "/lib/aarch64-linux-gnu/libc.so.6: version `GLIBC_2.28' not found (required by /x/sharp.node)":
      /^\/x\/sharp\.node wants GLIBC_2\.28, and \/lib\/aarch64-linux-gnu\/libc\.so\.6 is older: .*deploy-tx2/,
    "/usr/lib/libstdc++.so.6: version `GLIBCXX_3.4.29' not found (required by /x/a.node)":
      /wants GLIBCXX_3\.4\.29/,
  };
  for (const [text, remedy] of Object.entries(cases)) t.match(loadRemedy(text), remedy, text);
});

t.test('a missing library, a foreign file and a foreign Node.js have remedies of their own', async (t) => {
  const cases: Record<string, RegExp> = {
    'libcudart.so.10.2: cannot open shared object file: No such file or directory':
      /^install libcudart\.so\.10\.2:/,
    '/x/i2c.node: wrong ELF class: ELFCLASS32': /^\/x\/i2c\.node is damaged or was made for another machine/,
    '/x/i2c.node: invalid ELF header': /^\/x\/i2c\.node is damaged/,
    "The module '/x/b.node'\nwas compiled against a different Node.js version using\nNODE_MODULE_VERSION 108.":
      /npm rebuild/,
  };
  for (const [text, remedy] of Object.entries(cases)) t.match(loadRemedy(text), remedy, text);
});

t.test('what another error says is left to others', async (t) => {
  t.equal(loadRemedy("Cannot find module 'onnxruntime-common'"), null);
  t.equal(loadRemedy(''), null);
});
