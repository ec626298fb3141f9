/** The import rule as an ESLint rule: which of our folders a folder may name, and which file alone names a package. */
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { visitSpecifiers } from './specifiers.js';

/**
 * Options: `mayImport` (a folder's path → the top folders that its files may name besides their own; the longest path
 * that holds a file counts), `entries` (a folder with a wider rule than the folder around it → the files outside that
 * may name it), `doors` (a package → the files that may name it, `folder/**` for all below; `**` for every file),
 * `programs` (a file → the programs that it starts, which count as no import).
 */
export const rooms = {
  meta: { type: 'problem', schema: [{ type: 'object' }] },
  create(context) {
    const options = context.options[0];
    const file = relative(context.cwd, context.filename);
    return visitSpecifiers(
      (specifier, node) => {
        const message = refused(file, specifier, options);
        if (message) context.report({ node, message });
      },
      (node) =>
        context.report({ node, message: 'Write the name out as one text: the import rule must see it.' }),
    );
  },
};

function relative(root, file) {
  return path.relative(root, file).split(path.sep).join('/');
}

function refused(file, specifier, options) {
  if (specifier.startsWith('.')) return refusedFile(file, specifier, options);
  if (/^(\/|file:|data:)/.test(specifier)) return 'Name a file of ours by a path that starts with a dot.';
  return refusedPackage(file, specifier, options.doors);
}

/** The longest of `folders` that holds the file. */
function roomOf(file, folders) {
  const holders = folders.filter((folder) => file.startsWith(`${folder}/`));
  return holders.sort((a, b) => b.length - a.length)[0];
}

function refusedFile(file, specifier, { mayImport, entries, programs }) {
  const folders = Object.keys(mayImport);
  const room = roomOf(file, folders);
  const target = path.posix.join(path.posix.dirname(file), specifier);
  if (room === undefined || programs[file]?.includes(target)) return null;
  const entry = roomOf(target, Object.keys(entries));
  if (entry !== undefined && !file.startsWith(`${entry}/`) && !entries[entry].includes(file))
    return `${entry}/ has one way in: ${entries[entry].join(', ')} (see ARCHITECTURE.md).`;
  const [own, other] = [file.split('/')[0], target.split('/')[0]];
  if (own === other || mayImport[room].includes(other)) return null;
  const ours = folders.some((folder) => folder.split('/')[0] === other);
  if (!ours && !['scripts', 'test'].includes(other)) return null;
  return `${path.posix.dirname(file)}/ must not import ${other}/ (see ARCHITECTURE.md).`;
}

function refusedPackage(file, specifier, doors) {
  const name = packageOf(specifier);
  const files = doors[name];
  if (files === undefined)
    return name.startsWith('node:')
      ? null
      : `${name} has no door: name the file that alone imports it in eslint.config.js.`;
  if (files.some((door) => matches(door, file))) return null;
  return `${name} has one door: ${files[0]}.`;
}

/** `@scope/name/sub` → `@scope/name`; built-in modules come with `node:` in front however they are written. */
function packageOf(specifier) {
  if (specifier.startsWith('node:') || isBuiltin(specifier)) return `node:${specifier.replace(/^node:/, '')}`;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function matches(door, file) {
  if (door === '**') return true;
  return door.endsWith('/**') ? file.startsWith(door.slice(0, -2)) : door === file;
}
