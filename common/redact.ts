/**
 * A text in which what stands between `//` and `@` of a URL is left out: user names and passwords do not belong in
 * logs and errors. Greedy, because a password may itself hold an `@` or a `/`.
 */
export function withoutCredentials(text: string): string {
  return text.replace(/\/\/[^\n"]*@/g, '//…@');
}
