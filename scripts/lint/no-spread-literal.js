/** An ESLint rule: no `{ ...{ a, b } }`, which keeps the compiler from seeing misspelt optional keys. */
export const noSpreadLiteral = {
  meta: { type: 'problem', fixable: 'code', schema: [] },
  create(context) {
    const { sourceCode } = context;
    return {
      'ObjectExpression > SpreadElement'(node) {
        const literal = unwrapped(node.argument);
        if (literal.type !== 'ObjectExpression') return;
        context.report({
          node,
          message: 'Write the properties out: the compiler does not check the keys of a spread literal.',
          fix: mayBeFixed(node, literal, sourceCode)
            ? (fixer) => written(fixer, node, literal, sourceCode)
            : null,
        });
      },
    };
  },
};

/** What stands inside `as T`, `<T>`, `satisfies T` and `!`. */
function unwrapped(node) {
  const around = ['TSAsExpression', 'TSTypeAssertion', 'TSSatisfiesExpression', 'TSNonNullExpression'];
  return around.includes(node.type) ? unwrapped(node.expression) : node;
}

function mayBeFixed(node, literal, sourceCode) {
  return (
    literal === node.argument &&
    literal.properties.length > 0 &&
    sourceCode.getCommentsInside(literal).length === 0
  );
}

function written(fixer, node, literal, sourceCode) {
  const [open, close] = [sourceCode.getFirstToken(literal), sourceCode.getLastToken(literal)];
  const inner = sourceCode.text.slice(open.range[1], close.range[0]).trim().replace(/,$/, '');
  return fixer.replaceText(node, inner);
}
