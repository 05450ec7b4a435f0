import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

const fence = /^(```|~~~)[\s\S]*?^\1/gm
const inlineCode = /`([^`\n]+)`/g
const link = /\]\(([^)\s#]+)(?:#[^)]*)?\)/g
/** A path of more than one piece, without the signs of a pattern or a placeholder. */
const plainPath = /^\.?[\w@-][\w.@-]*(\/[\w.@-]+)+\/?$/

/** Paths that the documents name and that do not exist. A path is one whose first piece is in the repository. */
export const findBrokenPaths = async (root: string, documents: string[]): Promise<string[]> => {
  const problems: string[] = []
  for (const document of documents) {
    const text = (await Bun.file(join(root, document)).text()).replaceAll(fence, '')
    const folder = join(root, dirname(document))
    const cited = [...text.matchAll(inlineCode)]
      .map(([, code = '']) => code)
      .filter((code) => plainPath.test(code))
    const linked = [...text.matchAll(link)]
      .map(([, target = '']) => target)
      .filter((target) => !/^\w+:/.test(target))
    for (const path of cited) {
      const [first = ''] = path.split('/')
      const known = [root, folder].filter((base) => existsSync(join(base, first)))
      if (known.length > 0 && !known.some((base) => existsSync(join(base, path))))
        problems.push(`${document}: ${path} does not exist`)
    }
    for (const target of linked)
      if (!existsSync(join(folder, target))) problems.push(`${document}: ${target} does not exist`)
  }
  return problems
}
