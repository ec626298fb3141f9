/** An ESLint rule: no file imports itself through others, type imports included. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { visitSpecifiers } from './specifiers.js';

const graphs = new Map();

/** Options: `folders`, whose TypeScript files make the graph. */
export const noCircles = {
  meta: { type: 'problem', schema: [{ type: 'object' }] },
  create(context) {
    const graph = graphOf(context.cwd, context.options[0].folders);
    const file = context.filename;
    const own = new Map();
    const visitor = visitSpecifiers((specifier, node) => {
      if (node.type === 'NewExpression') return; // a program or a thread: it is not loaded here
      const target = resolved(file, specifier);
      if (target) own.set(target, own.get(target) ?? node);
    });
    return {
      ...visitor,
      'Program:exit'() {
        for (const [target, node] of own) {
          const way = target === file ? [file] : wayBack(graph, target, file);
          if (way) context.report({ node, message: circle(context.cwd, [file, ...way]) });
        }
      },
    };
  },
};

function circle(root, files) {
  return `imports go in a circle: ${files.map((file) => path.relative(root, file)).join(' → ')}`;
}

/** The shortest chain of imports from `start` to `goal`, both included; null where there is none. */
function wayBack(graph, start, goal) {
  const from = new Map([[start, null]]);
  for (const file of from.keys()) {
    if (file === goal) return chain(from, goal);
    for (const next of graph.get(file) ?? []) if (!from.has(next)) from.set(next, file);
  }
  return null;
}

function chain(from, goal) {
  const files = [];
  for (let file = goal; file; file = from.get(file)) files.unshift(file);
  return files;
}

function graphOf(root, folders) {
  if (!graphs.has(root)) graphs.set(root, readGraph(root, folders));
  return graphs.get(root);
}

function readGraph(root, folders) {
  const graph = new Map();
  for (const folder of folders) {
    for (const name of readdirSync(path.join(root, folder), { recursive: true })) {
      if (!/\.[cm]?ts$/.test(name)) continue;
      const file = path.join(root, folder, name);
      graph.set(
        file,
        importsOf(file)
          .map((specifier) => resolved(file, specifier))
          .filter(Boolean),
      );
    }
  }
  return graph;
}

/** What a file on the disk imports, in every form that loads a file or its types. */
function importsOf(file) {
  const found = [];
  const visit = (node) => {
    const source = sourceOf(node);
    if (source && ts.isStringLiteralLike(source)) found.push(source.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest));
  return found;
}

function sourceOf(node) {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier;
  if (ts.isImportTypeNode(node)) return ts.isLiteralTypeNode(node.argument) ? node.argument.literal : null;
  if (ts.isExternalModuleReference(node)) return node.expression;
  if (!ts.isCallExpression(node)) return null;
  const { expression } = node;
  const loads = expression.kind === ts.SyntaxKind.ImportKeyword || expression.text === 'require';
  return loads ? node.arguments[0] : null;
}

function resolved(file, specifier) {
  if (!specifier.startsWith('.')) return null;
  return path.resolve(path.dirname(file), specifier).replace(/\.([cm]?)js$/, '.$1ts');
}
