/** Between grey and colour: luma of ITU-R BT.601 in 16-bit fixed point, as Pillow converts to `L`. */

/** RGB → grey. */
export function greyOf(colour: Uint8Array): Uint8Array {
  const made = new Uint8Array(colour.length / 3);
  for (let i = 0, from = 0; i < made.length; i += 1, from += 3) {
    const [red = 0, green = 0, blue = 0] = [colour[from], colour[from + 1], colour[from + 2]];
    made[i] = (red * 19_595 + green * 38_470 + blue * 7_471 + 0x8000) >> 16;
  }
  return made;
}

/** Grey → RGB. */
export function colourOf(grey: Uint8Array): Uint8Array {
  const made = new Uint8Array(grey.length * 3);
  for (let i = 0, to = 0; i < grey.length; i += 1, to += 3) made.fill(grey[i] ?? 0, to, to + 3);
  return made;
}
