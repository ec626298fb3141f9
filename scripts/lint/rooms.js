/** The import rule as an ESLint rule: which of our folders a folder may name, and which file alone names a package. */
import path from 'node:path';
import { visitSpecifiers } from './specifiers.js';

/**
 * Options: `mayImport` (a folder's path → the top folders that its files may name besides their own; the longest path
 * that holds a file counts), `doors` (a package → the files that may name it, `folder/**` for all below), `programs` (a
 * file → the programs that it starts, which count as no import).
 */
export const rooms = {
  meta: { type: 'problem', schema: [{ type: 'object' }] },
  create(context) {
    const { mayImport, doors, programs } = context.options[0];
    const file = relative(context.cwd, context.filename);
    const allowed = allowedOf(file, mayImport);
    return visitSpecifiers((specifier, node) => {
      const message = specifier.startsWith('.')
        ? refusedFile(file, specifier, { allowed, mayImport, programs })
        : refusedPackage(file, specifier, doors);
      if (message) context.report({ node, message });
    });
  },
};

function relative(root, file) {
  return path.relative(root, file).split(path.sep).join('/');
}

function allowedOf(file, mayImport) {
  const holders = Object.keys(mayImport).filter((folder) => file.startsWith(`${folder}/`));
  const closest = holders.sort((a, b) => b.length - a.length)[0];
  return closest === undefined ? null : mayImport[closest];
}

function refusedFile(file, specifier, { allowed, mayImport, programs }) {
  const target = path.posix.join(path.posix.dirname(file), specifier);
  const [own, other] = [file.split('/')[0], target.split('/')[0]];
  if (own === other || allowed === null || target.startsWith('..')) return null;
  if (allowed.includes(other) || programs[file]?.includes(target)) return null;
  const ours = Object.keys(mayImport).some((folder) => folder.split('/')[0] === other);
  if (!ours && !['scripts', 'test'].includes(other)) return null;
  return `${path.posix.dirname(file)}/ must not import ${other}/ (see ARCHITECTURE.md).`;
}

function refusedPackage(file, specifier, doors) {
  const name = Object.keys(doors).find((door) => specifier === door || specifier.startsWith(`${door}/`));
  if (name === undefined || doors[name].some((door) => matches(door, file))) return null;
  return `${name} has one door: ${doors[name][0]}.`;
}

function matches(door, file) {
  return door.endsWith('/**') ? file.startsWith(door.slice(0, -2)) : door === file;
}
