import { dirname, join, normalize } from 'node:path'

const fence = /^(```|~~~)[\s\S]*?^\1/gm
const inlineCode = /`([^`\n]+)`/g
const link = /\]\(([^)\s#]+)(?:#[^)]*)?\)/g
/** A path of more than one piece, without the signs of a pattern or a placeholder. */
const plainPath = /^\.?[\w@-][\w.@-]*(\/[\w.@-]+)+\/?$/

/**
 * Paths that the documents name and that are not in the repository, whose files are given. Cited paths start at
 * the root or at the document, and are told by their first piece: it names something that is there.
 */
export const findBrokenPaths = async (
  root: string,
  documents: string[],
  files: string[],
): Promise<string[]> => {
  const present = withFolders(files)
  const problems: string[] = []
  for (const document of documents) {
    const text = (await Bun.file(join(root, document)).text()).replaceAll(fence, '')
    const folder = dirname(document)
    const missing = ({ path, bases }: { path: string; bases: string[] }) =>
      bases.length > 0 && !bases.some((base) => present.has(clean(join(base, path))))
    const citations = [...citedIn(text)].map((path) => ({
      path,
      bases: ['.', folder].filter((base) => present.has(clean(join(base, path.split('/')[0] ?? '')))),
    }))
    const links = [...linkedIn(text)].map((path) => ({ path, bases: [folder] }))
    for (const { path } of [...citations, ...links].filter(missing))
      problems.push(`${document}: ${path} does not exist`)
  }
  return problems
}

const citedIn = (text: string) =>
  new Set([...text.matchAll(inlineCode)].map(([, code = '']) => code).filter((code) => plainPath.test(code)))

const linkedIn = (text: string) =>
  new Set([...text.matchAll(link)].map(([, target = '']) => target).filter((target) => !/^\w+:/.test(target)))

const withFolders = (files: string[]): Set<string> => {
  const all = new Set<string>()
  for (const file of files)
    for (let path = clean(file); path !== '.' && !all.has(path); path = dirname(path)) all.add(path)
  return all
}

const clean = (path: string) => normalize(path).replace(/\/$/, '')
