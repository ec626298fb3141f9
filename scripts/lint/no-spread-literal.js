/** An ESLint rule: no `{ ...{ a, b } }`, which keeps the compiler from seeing misspelt optional keys. */
export const noSpreadLiteral = {
  meta: { type: 'problem', fixable: 'code', schema: [] },
  create(context) {
    const { sourceCode } = context;
    return {
      'ObjectExpression > SpreadElement > ObjectExpression.argument'(node) {
        context.report({
          node,
          message: 'Write the properties out: the compiler does not check the keys of a spread literal.',
          fix(fixer) {
            const [open, close] = [sourceCode.getFirstToken(node), sourceCode.getLastToken(node)];
            const inner = sourceCode.text.slice(open.range[1], close.range[0]).trim().replace(/,$/, '');
            return fixer.replaceText(node.parent, inner);
          },
        });
      },
    };
  },
};
