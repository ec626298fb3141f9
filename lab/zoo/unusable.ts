/** Pictures that could not be used, counted by what is wrong with them. */
import { isEdgemuxError, messageOf } from '../../common/errors.js';

export class Unusable {
  /** One for each, naming the picture and what is wrong. */
  readonly lines: string[] = [];
  /** Of which a part is missing or broken: what a daemon drops as `damaged`. */
  damaged = 0;

  /** @param why what reading it threw, or a sentence */
  add(name: string | number, why: unknown): void {
    this.lines.push(`${name}: ${typeof why === 'string' ? why : messageOf(why)}`);
    if (isEdgemuxError(why, 'IMAGE_DAMAGED')) this.damaged += 1;
  }

  get count(): number {
    return this.lines.length;
  }

  /** How many, in words; '' for none. */
  text(): string {
    if (this.count === 0) return '';
    const damaged = this.damaged === 0 ? '' : `, ${this.damaged} of them damaged`;
    return `${this.count} images could not be used${damaged}`;
  }
}
