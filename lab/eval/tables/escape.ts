/**
 * Text for Markdown, so that it shows as it is: no link, image, emphasis, code or HTML, no cell or line of its own. Names of
 * classes, cameras and zoos come from outside.
 */
export function markdownText(text: string): string {
  return text
    .replaceAll(/[\r\n\u2028\u2029]+/g, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll(/[\\`*[\]|~]/g, '\\$&')
    .replace(/^(\s*)(#|>|[-+=]|\d+[.)])(?=\s|$|-|=|#|>)/, '$1\\$2');
}
