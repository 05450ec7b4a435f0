import type { Plaza } from '../plaza.ts'

/** A part or a process that hangs until it is let go: it takes connections and answers nothing. */
export async function holdStill(plaza: Plaza, name: string): Promise<AsyncDisposable> {
  await plaza.kill(name, 'SIGSTOP')
  return { [Symbol.asyncDispose]: () => plaza.kill(name, 'SIGCONT') }
}

/** So often it is killed at first that the supervisor waits for a while before it starts it again. */
const deathsAtFirst = 4

/** A part or a process that is killed whenever it is there, until it is let go. */
export async function holdDown(plaza: Plaza, name: string): Promise<AsyncDisposable> {
  let holding = true
  let deaths = 0
  let killed: number | undefined
  const pidOf = async () => {
    const { parts, services } = await plaza.run()
    return [...parts, ...services].find((one) => one.name === name)?.pid
  }
  const down = Promise.withResolvers<void>()
  const held = (async () => {
    while (holding) {
      const pid = await pidOf()
      if (pid !== killed) {
        killed = pid
        await plaza.kill(name)
        deaths += 1
        if (deaths === deathsAtFirst) down.resolve()
      }
      await Bun.sleep(10)
    }
  })()
  await Promise.race([down.promise, held])
  return {
    async [Symbol.asyncDispose]() {
      holding = false
      await held
      while ((await pidOf()) === killed) await Bun.sleep(20)
    },
  }
}
