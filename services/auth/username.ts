const form = /^[\p{L}\p{Nd}]\p{M}{0,3}(?:[._-]?[\p{L}\p{Nd}]\p{M}{0,3})*$/u
const ignorable = /\p{Default_Ignorable_Code_Point}/u

/** The scripts in everyday use (Unicode Standard Annex 31, table 5); a name keeps to one, as its look-alikes live in others. */
const scripts =
  'Latin Cyrillic Greek Arabic Armenian Bengali Devanagari Ethiopic Georgian Gujarati Gurmukhi Hebrew Kannada Khmer Lao Malayalam Myanmar Oriya Sinhala Tamil Telugu Thaana Thai Tibetan'
const singleScript = [
  ...scripts.split(' ').map((script) => `\\p{scx=${script}}`),
  // Japanese, Chinese and Korean mix scripts by nature, and Latin with them.
  '\\p{scx=Han}\\p{scx=Hiragana}\\p{scx=Katakana}\\p{scx=Latin}',
  '\\p{scx=Han}\\p{scx=Bopomofo}\\p{scx=Latin}',
  '\\p{scx=Han}\\p{scx=Hangul}\\p{scx=Latin}',
].map((set) => new RegExp(`^[${set}\\p{scx=Common}\\p{scx=Inherited}]+$`, 'u'))

/** Letters of other scripts that look like a Latin one in most fonts: with these a whole name can be copied. */
const lookAlikes = new Map(
  Object.entries({
    a: 'аα',
    c: 'сϲ',
    d: 'ԁ',
    e: 'еҽ',
    g: 'ց',
    h: 'һհ',
    i: 'іιӏ',
    j: 'јϳ',
    k: 'кκ',
    n: 'ոп',
    o: 'оοօ',
    p: 'рρ',
    q: 'ԛ',
    s: 'ѕ',
    u: 'υս',
    v: 'νѵ',
    w: 'ԝ',
    x: 'хχ',
    y: 'уγү',
  }).flatMap(([latin, others]) => [...others].map((other) => [other, latin] as const)),
)

/** A name as it is stored and shown: Unicode form NFKC, without outer blanks. */
export const tidyUsername = (text: string): string => text.normalize('NFKC').trim()

/** Whether a tidy name has the form that names have: letters and digits of one script, single . _ - between them. */
export const isUsername = (name: string): boolean =>
  form.test(name) && !ignorable.test(name) && singleScript.some((script) => script.test(name))

/** What names are compared by: two names with the same hash differ in case, width or look-alike letters only. */
export function hashUsername(text: string): Buffer {
  // Upper case first joins what lower case keeps apart, such as ß and ss.
  const folded = tidyUsername(text).toUpperCase().toLowerCase().normalize('NFKC').replaceAll('ς', 'σ')
  const skeleton = [...folded].map((letter) => lookAlikes.get(letter) ?? letter).join('')
  return new Bun.CryptoHasher('sha256').update(skeleton).digest()
}
