/**
 * A text without the user part of its URLs: user names and passwords do not belong in logs and errors. What stands
 * between `//` and `@` goes, and so does a word that reads `user:password@`, for a URL without its scheme is still one.
 * Greedy, because a password may itself hold an `@` or a `/`.
 */
export function withoutCredentials(text: string): string {
  if (!text.includes('@')) return text;
  return text.replace(/\/\/[^\n"]*@/g, '//…@').replace(/[^\s"'`(=,]+:[^\s"'`]*@/g, hidden);
}

/**
 * As `withoutCredentials`, for one value that may be a URL, however wrong: all before its last `@` goes, and what
 * cannot be a host and its port.
 */
export function withoutUserPart(value: string): string {
  const [scheme = ''] = /^[a-z][a-z0-9+.-]*:\/\//i.exec(value) ?? [];
  const at = value.lastIndexOf('@');
  if (at >= 0) return `${scheme}…@${value.slice(at + 1)}`;
  const isHost = scheme === '' || /^(\[[^\]]*\]|[^:/]*)(:\d*)?(\/|$)/.test(value.slice(scheme.length));
  return isHost ? value : `${scheme}…`;
}

/** The scheme of what was hidden already stays. */
function hidden(word: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\/…@$/i.test(word) ? word : '…@';
}
