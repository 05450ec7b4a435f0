import { readdirSync, readFileSync } from 'node:fs'

const ticksPerSecond = 100

type Stat = { pid: number; parent: number; cpuSeconds: number }

/** CPU seconds that a process and all that descend from it have used so far, from /proc (Linux). */
export function cpuSeconds(root: number): number {
  const stats = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readStat(Number(name)) ?? [])
  const family = new Set([root])
  let grown = true
  while (grown) {
    const before = family.size
    for (const { pid, parent } of stats) if (family.has(parent)) family.add(pid)
    grown = family.size > before
  }
  return stats.reduce((sum, { pid, cpuSeconds }) => sum + (family.has(pid) ? cpuSeconds : 0), 0)
}

/** Resident memory of one process in bytes. */
export function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(match?.[1] ?? 0) * 1_024
}

/** A process that ends while it is being read counts for nothing. utime and stime include its dead children's. */
function readStat(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0)
    return { pid, parent: Number(fields[1]), cpuSeconds: ticks / ticksPerSecond }
  } catch {
    return undefined
  }
}
