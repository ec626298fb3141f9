import { parseDocument } from 'yaml';
import { EdgemuxError } from '../errors.js';

/**
 * The text of a YAML file with some values set, by dotted path; comments and order of everything else stay.
 * @throws EdgemuxError CONFIG_UNREADABLE where the text is no YAML
 */
export function editYaml(text: string, values: Record<string, string | number>): string {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error) throw new EdgemuxError('CONFIG_UNREADABLE', `the file cannot be edited: ${error.message}`);
  for (const [path, value] of Object.entries(values)) document.setIn(path.split('.'), value);
  return document.toString();
}
