import { ensurePackages } from './packages.ts'

// Nothing from a package may be imported before the packages are there.
await ensurePackages()
const { Failure, codeOf, messageOf } = await import('./failure.ts')
const { readOptions, usage } = await import('./up/options.ts')
const { bringUp } = await import('./up/main.ts')

const ends = new AsyncDisposableStack()
let leaving: Promise<void> | undefined

/** Ends everything in order, once; a second Ctrl-C ends this process at once, and all others with it. */
const leave = (code: number) => {
  if (leaving) process.exit(1)
  leaving = ends.disposeAsync().then(() => process.exit(code))
}

const fail = (error: unknown) => {
  const ours = error instanceof Failure || codeOf(error) !== undefined
  console.error(`plaza: ${ours ? messageOf(error) : error instanceof Error ? error.stack : error}`)
  if (!leaving) leave(1)
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    console.log('stopping')
    leave(0)
  })

try {
  const options = readOptions(process.argv.slice(2))
  if (options) await bringUp(options, ends)
  else console.log(usage)
} catch (error) {
  fail(error)
}
