import unhomoglyph from 'unhomoglyph'

const form = /^[\p{L}\p{Nd}]\p{M}{0,3}(?:[._-]?[\p{L}\p{Nd}]\p{M}{0,3})*$/u
const ignorable = /\p{Default_Ignorable_Code_Point}/u
/** Small capitals, clicks and the like: they look like other letters, and no language writes names in them alone. */
const withoutCase = /[[\p{L}&&\p{Script=Latin}]--\p{Changes_When_Casemapped}]/v

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
  form.test(name) &&
  !ignorable.test(name) &&
  !withoutCase.test(name) &&
  singleScript.some((script) => script.test(name))

/** What an account is found by: two names with the same hash differ in case, width or a few look-alike letters only. */
export function hashUsername(text: string): Buffer {
  // Upper case first joins what lower case keeps apart, such as ß and ss.
  const folded = tidyUsername(text).toUpperCase().toLowerCase().normalize('NFKC').replaceAll('ς', 'σ')
  return sha256([...folded].map((letter) => lookAlikes.get(letter) ?? letter).join(''))
}

/**
 * Hashes of what a name looks like as it is written, in small letters and in capitals, and the one it is found
 * by. Two names that share one could be taken for each other.
 */
export function hashLooks(text: string): string[] {
  const name = tidyUsername(text)
  // In capitals I is the look of both I and l; L tells which it was.
  const capitals = skeleton(name.toUpperCase()).replaceAll('l', 'i')
  const looks = [skeleton(name), skeleton(name.toLowerCase()), capitals].map((look) =>
    sha256(look.toLowerCase().replaceAll(dotted, '$1')),
  )
  return [...new Set([hashUsername(name), ...looks].map((hash) => hash.toString('hex')))]
}

/** The form in which Unicode compares what looks alike (Technical Standard 39). */
const skeleton = (text: string): string => unhomoglyph(text.normalize('NFD')).normalize('NFD')

/** i and j lose their own dot when another is put on them. */
const dotted = /([ij])\u0307+/g

const sha256 = (text: string): Buffer => new Bun.CryptoHasher('sha256').update(text).digest()
