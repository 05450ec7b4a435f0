/**
 * `bun run bench [cases…] [--seconds N]`: measures Plaza against the floor on a Plaza of its own, and prints a
 * table. Everything runs on this machine: parts, services, gateway and load generator.
 */
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { delivery } from './bench/cases/delivery.ts'
import { gateway } from './bench/cases/gateway.ts'
import { logIn } from './bench/cases/log-in.ts'
import { memory } from './bench/cases/memory.ts'
import { sendsByRest } from './bench/cases/sends-by-rest.ts'
import { sendsBySocket } from './bench/cases/sends-by-socket.ts'
import { sockets } from './bench/cases/sockets.ts'
import { type Floor, startFloor } from './bench/floor-process.ts'
import { type Row, toTable } from './bench/row.ts'
import { createWorld, type World } from './bench/world.ts'

type Case = (world: World, floor: Floor, seconds: number) => Promise<Row[]>

/** The order matters for memory alone, which wants a process that has just started. */
const cases: Record<string, Case> = {
  memory: (world) => memory(world),
  gateway: (world, _floor, seconds) => gateway(world, seconds),
  rest: (world, _floor, seconds) => sendsByRest(world, seconds),
  socket: sendsBySocket,
  delivery: (world, _floor, seconds) => delivery(world, seconds),
  login: (world, _floor, seconds) => logIn(world, seconds),
  sockets: (world) => sockets(world),
}

const { values, positionals } = parseArgs({
  options: { seconds: { type: 'string', default: '8' } },
  allowPositionals: true,
})
const unknown = positionals.find((name) => !cases[name])
if (unknown) {
  console.error(`there is no case "${unknown}"; there are ${Object.keys(cases).join(', ')}`)
  process.exit(2)
}
const chosen = positionals.length > 0 ? positionals : Object.keys(cases)
const rows: Row[] = []
// Each case has a Plaza of its own, so that none is measured with another's leftovers.
for (const name of chosen) {
  console.log(`… ${name}`)
  const world = await createWorld(name === 'memory' ? 0 : 128)
  try {
    const floor = name === 'memory' ? undefined : await startFloor(world)
    const measured = (await cases[name]?.(world, floor ?? { pid: 0, end() {} }, Number(values.seconds))) ?? []
    floor?.end()
    for (const row of measured) console.log(`  ${row.what}: ${row.measured} (${row.must})`)
    rows.push(...measured)
  } finally {
    await world.plaza.stop()
  }
}
const [cpu] = cpus()
console.log(`\n${cpus().length} × ${cpu?.model.trim()}, Bun ${Bun.version}\n\n${toTable(rows)}`)
process.exit(rows.every((row) => row.reached) ? 0 : 1)
