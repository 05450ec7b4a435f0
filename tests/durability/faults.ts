import type { Plaza } from '../plaza.ts'

/** Kills a part or a process of services at a moment that nobody chose; resolves when another has taken over and all are well. */
export async function killAtRandom(plaza: Plaza, name: string): Promise<void> {
  await Bun.sleep(Math.random() * 300)
  await killAndReturn(plaza, name)
}

/** Kills a part or a process of services and waits until another has taken over and all are well. */
export async function killAndReturn(plaza: Plaza, name: string): Promise<void> {
  await killForAnother(plaza, name)
  await plaza.waitReady()
}

/** Kills a part or a process of services and waits until another has taken over. */
export async function killForAnother(plaza: Plaza, name: string): Promise<void> {
  const before = await pidOf(plaza, name)
  await plaza.kill(name)
  while ((await pidOf(plaza, name)) === before) await Bun.sleep(20)
}

const pidOf = async (plaza: Plaza, name: string) => (await processOf(plaza, name)).pid

/** What a Plaza says of one of its parts or processes. */
export async function processOf(plaza: Plaza, name: string) {
  const { parts, services } = await plaza.run()
  const found = [...parts, ...services].find((candidate) => candidate.name === name)
  if (!found) throw new Error(`nothing here is named ${name}`)
  return found
}

/** The ports of all services. */
export async function portsOf(plaza: Plaza): Promise<number[]> {
  const { services } = await plaza.run()
  return services.flatMap((process) => process.services.map(({ port }) => port))
}
