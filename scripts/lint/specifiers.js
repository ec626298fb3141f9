/** Every way in which a TypeScript file names another one, as an ESLint visitor. */

/**
 * @param {(specifier: string, node: object) => void} named called with what is written between the quotes
 * @returns an ESLint visitor for `import`, `export … from`, `import()`, `import('…').Type`, `import x = require()` and
 * `new URL('….js', import.meta.url)`, which is how threads and child programs are named
 */
export function visitSpecifiers(named) {
  const source = (node) => {
    if (node.source?.type === 'Literal') named(String(node.source.value), node);
  };
  return {
    ImportDeclaration: source,
    ExportNamedDeclaration: source,
    ExportAllDeclaration: source,
    ImportExpression(node) {
      if (node.source.type === 'Literal') named(String(node.source.value), node);
      else if (node.source.type === 'TemplateLiteral') named(node.source.quasis[0].value.cooked, node);
    },
    TSImportType(node) {
      const literal = node.source ?? node.argument?.literal;
      if (literal) named(String(literal.value), node);
    },
    TSExternalModuleReference(node) {
      if (node.expression.type === 'Literal') named(String(node.expression.value), node);
    },
    NewExpression(node) {
      const [path, base] = node.arguments;
      if (node.callee.name !== 'URL' || path?.type !== 'Literal' || !isImportMetaUrl(base)) return;
      if (/\.[cm]?js$/.test(path.value)) named(String(path.value), node);
    },
  };
}

function isImportMetaUrl(node) {
  return (
    node?.type === 'MemberExpression' && node.object.type === 'MetaProperty' && node.property.name === 'url'
  );
}
