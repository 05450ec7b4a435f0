import { existsSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

const specifier = /(?:\bfrom|\bimport)\s*\(?\s*['"](\.[^'"]*)['"]/g

/** Relative imports that leave their package: another package is imported by its name and what it exports. */
export const findStrayImports = async (root: string, files: string[]): Promise<string[]> => {
  const problems: string[] = []
  for (const file of files) {
    const path = join(root, file)
    const home = packageOf(dirname(path))
    for (const [, target = ''] of (await Bun.file(path).text()).matchAll(specifier)) {
      const reached = join(dirname(path), target)
      if (packageOf(dirname(reached)) === home) continue
      problems.push(
        `${file}: ${target} lies in another package, ${relative(root, packageOf(dirname(reached)))}`,
      )
    }
  }
  return problems
}

/** The nearest folder above that has a package.json. */
const packageOf = (folder: string): string =>
  existsSync(join(folder, 'package.json')) || folder === '/' ? folder : packageOf(dirname(folder))
