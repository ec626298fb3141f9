/** Every way in which a TypeScript file names another one, as an ESLint visitor. */

/**
 * @param {(specifier: string, node: object) => void} named called with what is written between the quotes
 * @param {(node: object) => void} unread called where the name is put together at run time, so that no rule can see it
 * @returns an ESLint visitor for `import`, `export … from`, `import()`, `import('…').Type`, `import x = require()`,
 * `require()`, `import.meta.resolve()` and `new URL('….js', import.meta.url)`, which is how threads and child programs are
 * named (it alone comes as a NewExpression)
 */
export function visitSpecifiers(named, unread = () => {}) {
  const tell = (source, node) => {
    const text = textOf(source);
    if (text === null) unread(node);
    else named(text, node);
  };
  const declared = (node) => {
    if (node.source) tell(node.source, node);
  };
  return {
    ImportDeclaration: declared,
    ExportNamedDeclaration: declared,
    ExportAllDeclaration: declared,
    ImportExpression: declared,
    TSImportType(node) {
      tell(node.source ?? node.argument?.literal ?? node.argument, node);
    },
    TSExternalModuleReference(node) {
      tell(node.expression, node);
    },
    CallExpression(node) {
      if (isRequire(node.callee)) {
        const text = textOf(node.arguments[0]);
        if (text !== null) named(text, node); // who may require at all is a door of node:module
      } else if (isMeta(node.callee, 'resolve')) tell(node.arguments[0], node);
    },
    NewExpression(node) {
      const [source, base] = node.arguments;
      if (nameOf(node.callee) !== 'URL' || !isMeta(base, 'url')) return;
      const path = textOf(source);
      if (path === null) unread(node);
      else if (/\.[cm]?js$/.test(path)) named(/^[./]/.test(path) ? path : `./${path}`, node);
    },
  };
}

/** The text that a literal or a template without holes stands for; null for anything else. */
function textOf(node) {
  if (node?.type === 'Literal' && typeof node.value === 'string') return node.value;
  if (node?.type === 'TemplateLiteral' && node.quasis.length === 1) return node.quasis[0].value.cooked;
  return null;
}

/** `require`, or `createRequire(…)` called at once. */
function isRequire(callee) {
  if (callee.type === 'CallExpression') return nameOf(callee.callee) === 'createRequire';
  return callee.type === 'Identifier' && callee.name === 'require';
}

/** The last name of `a.b.c`. */
function nameOf(node) {
  return node.type === 'MemberExpression' ? node.property.name : node.name;
}

function isMeta(node, property) {
  return (
    node?.type === 'MemberExpression' &&
    node.object.type === 'MetaProperty' &&
    node.property.name === property
  );
}
