/**
 * Why a native module does not load, told from what the dynamic loader (glibc's ld.so) or Node.js says about it.
 *
 * `GLIBC_PRIVATE` names the symbols by which the parts of one build of glibc know each other: where it is missing, parts
 * of two builds are in one process.
 */
import { basename, dirname } from 'node:path';

/** What `scripts/jetpack/node.sh` makes Node.js load before anything else. */
const LOADED_BY_NODE_SH =
  /^lib(c\.so\.6|m\.so\.6|dl\.so\.2|pthread\.so\.0|rt\.so\.1|util\.so\.1|resolv\.so\.2|anl\.so\.1)$/;
const PAGE = 'docs/deploy-tx2.md, section 1';

interface Cause {
  pattern: RegExp;
  /** @param found what the pattern's groups matched */
  remedy: (found: string[]) => string;
}

/** The loader's own texts (glibc elf/dl-version.c, dl-lookup.c, dl-load.c) and those of Node.js, most telling first. */
const CAUSES: readonly Cause[] = [
  {
    pattern: /(\S+): version `GLIBC_PRIVATE' not found \(required by ([^\s)]+)\)/,
    remedy: ([older = '', part = '']) => twoLibraries(part, older),
  },
  {
    pattern: /(\S+): symbol \S+ version GLIBC_PRIVATE not defined in file (\S+)/,
    remedy: ([part = '', other = '']) => twoLibraries(part, other),
  },
  {
    pattern: /(\S+): undefined symbol: \S+ version GLIBC_PRIVATE/,
    remedy: ([part = '']) => twoLibraries(part, 'the C library that Node.js runs on'),
  },
  {
    pattern: /(\S+): version `((?:GLIBC|GLIBCXX|CXXABI)_[\d.]+)' not found \(required by ([^\s)]+)\)/,
    remedy: ([library = '', version = '', module = '']) =>
      `${module} wants ${version}, and ${library} is older: give Node.js a newer C and C++ library (${PAGE})`,
  },
  {
    pattern: /compiled against a different Node\.js version/,
    remedy: () =>
      `compile it for this Node.js, ${process.version}: \`npm rebuild\` with it, or \`--modules\` made with it`,
  },
  {
    pattern: /(\S+): (?:invalid ELF header|wrong ELF class: \S+|file too short)/,
    remedy: ([file = '']) =>
      `${file} is damaged or was made for another machine than this ${process.arch}: install the package again here`,
  },
  {
    pattern: /(\S+): cannot open shared object file/,
    remedy: ([library = '']) => `install ${library}: neither this system nor the package has it`,
  },
];

/**
 * What to do about a module that does not load, naming the libraries concerned.
 *
 * @param message the text of the error that `require` threw
 * @returns null where the text says nothing known
 */
export function loadRemedy(message: string): string | null {
  // Until 2.29 the loader put a comma between symbol and version.
  const text = message.replaceAll(', version ', ' version ');
  for (const { pattern, remedy } of CAUSES) {
    const found = pattern.exec(text);
    if (found) return remedy(found.slice(1));
  }
  return null;
}

/** @param part the library that came from the wrong build; @param other what it met */
function twoLibraries(part: string, other: string): string {
  const name = basename(part);
  const cause = `two C libraries met: ${part} is not of the build of ${other}`;
  if (LOADED_BY_NODE_SH.test(name))
    return `${cause}; Node.js must load its own ${name} first: run scripts/jetpack/node.sh again (${PAGE})`;
  const beside = other.startsWith('/') ? dirname(other) : 'the folder of its C library';
  return `${cause}; put the newer system's ${name} into ${beside} and make Node.js load it first: patchelf --add-needed ${name} ${process.execPath}`;
}
