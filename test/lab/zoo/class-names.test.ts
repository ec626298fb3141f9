/** Class names in the files that people have them in. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { readClassNames, type ClassNames } from '../../../lab/zoo/class-names.js';

async function read(t: Test, name: string, text: string | Buffer): Promise<ClassNames> {
  const file = join(t.testdir(), name);
  await writeFile(file, text);
  return readClassNames(file);
}

const NAMES = ['tench, Tinca tinca', 'goldfish', 'hen'];
const IDS = ['n01440764', 'n01443537', 'n01514668'];
const plain = { labels: NAMES, ids: null };
const withIds = { labels: NAMES, ids: IDS };

t.test('the same names are read from text, JSON and CSV', async (t) => {
  const json = (value: unknown): string => JSON.stringify(value);
  const numbered = Object.fromEntries(NAMES.map((name, k) => [k, name]));
  const cases: [string, string, ClassNames][] = [
    ['plain.txt', `${NAMES.join('\r\n')}\r\n\r\n`, plain],
    ['synsets.txt', NAMES.map((name, k) => `${IDS[k]} ${name}`).join('\n'), withIds],
    ['numbered.txt', NAMES.map((name, k) => `${k}: ${name}`).join('\n'), plain],
    ['python.txt', `{${NAMES.map((name, k) => `${k}: '${name}'`).join(',\n ')}}`, plain],
    ['config.json', json({ architectures: ['x'], id2label: numbered, label2id: {} }), plain],
    [
      'reversed.json',
      json({ label2id: Object.fromEntries(NAMES.map((name, k) => [name, 2 - k])) }),
      {
        labels: [...NAMES].reverse(),
        ids: null,
      },
    ],
    ['list.json', json(NAMES), plain],
    ['class_index.json', json(Object.fromEntries(NAMES.map((name, k) => [k, [IDS[k], name]]))), withIds],
    ['one.csv', `label\n"${NAMES[0]}"\n${NAMES[1]}\n${NAMES[2]}\n`, plain],
    ['two.csv', `name,id\nhen,2\ngoldfish,1\n"${NAMES[0]}",0\n`, plain],
    ['three.csv', NAMES.map((name, k) => `${k};${IDS[k]};${name}`).join('\n'), withIds],
    ['two.tsv', NAMES.map((name, k) => `${IDS[k]}\t${name}`).join('\n'), withIds],
  ];
  for (const [name, text, wanted] of cases) t.same(await read(t, name, text), wanted, name);
});

t.test('UTF-16 and marks at the start are no part of a name', async (t) => {
  const text = 'größe\nmaß\n';
  const big = Buffer.from(`\ufeff${text}`, 'utf16le').swap16();
  const files: [string, Buffer][] = [
    ['utf8.txt', Buffer.from(`\ufeff${text}`)],
    ['little.txt', Buffer.from(`\ufeff${text}`, 'utf16le')],
    ['unmarked.txt', Buffer.from(text, 'utf16le')],
    ['big.txt', big],
  ];
  for (const [name, bytes] of files) t.same((await read(t, name, bytes)).labels, ['größe', 'maß'], name);
});

t.test('what is no list of names is refused by its file, and where', async (t) => {
  const refused = (name: string, text: string | Buffer, message: RegExp): Promise<unknown> =>
    t.rejects(read(t, name, text), { code: 'CONFIG_INVALID', message }, name);
  await refused(
    'latin.txt',
    Buffer.from('gr\xf6\xdfe\nx\n', 'latin1'),
    /latin.txt is neither UTF-8 nor UTF-16/,
  );
  await refused('gap.txt', 'a\n\nb\n', /no name in line 2/);
  await refused('short.txt', 'a\n', /has 1 line/);
  await refused('empty.txt', '', /has no name in line 1|has 1 line/);
  await refused('gap.json', '{"0": "a", "2": "b"}', /does not number its classes 0 to 1/);
  await refused('broken.json', '{"0": ', /is no JSON/);
  await refused('odd.csv', 'id,name\n0,a\n0,b\n', /does not number its classes/);
  await t.rejects(readClassNames('nowhere.txt', 'class-order'), {
    message: /--class-order: nowhere.txt cannot be read/,
  });
});
