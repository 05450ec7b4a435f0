import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Failure, messageOf } from '../failure.ts'
import { services } from './registry.ts'

export type Options = {
  /** The gateway's port; the others derive from it. */
  port: number
  /** The folder that holds everything this Plaza knows. */
  data: string
  /** A process per service instead of one for all. */
  each: boolean
  /** How many instances of a service, where it is more than one. */
  scale: Map<string, number>
}

export const usage = `bun run up [options]

  --port 8000                    the gateway's port; the others lie up to 432 above it, or where one is free
  --data DIR                     where everything is kept (default: .plaza) but the tools, which stay in .plaza/tools
  --services each                a process per service instead of one for all
  --scale message=2,websocket=2  several instances of a service
  --help                         this page`

/** What the command line asks for, or undefined when it asks for help. Throws Failure. */
export const readOptions = (args: string[]): Options | undefined => {
  const { port, data, services: mode, scale, help } = parse(args)
  if (help) return undefined
  if (mode !== undefined && mode !== 'each') throw new Failure(`--services takes "each", not "${mode}"`)
  return {
    port: wholeNumber('--port', port, 1, 65_000),
    data: resolve(data),
    each: mode === 'each',
    scale: readScale(scale),
  }
}

const parse = (args: string[]) => {
  try {
    return parseArgs({
      args,
      options: {
        port: { type: 'string', default: '8000' },
        data: { type: 'string', default: join(import.meta.dir, '../../.plaza') },
        services: { type: 'string' },
        scale: { type: 'string', default: '' },
        help: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    throw new Failure(`${messageOf(error)}; see --help`)
  }
}

const readScale = (text: string): Map<string, number> => {
  const scale = new Map<string, number>()
  for (const entry of text.split(',').filter(Boolean)) {
    const [name = '', count = ''] = entry.split('=')
    if (!services.some((service) => service.name === name))
      throw new Failure(`--scale: there is no service "${name}"`)
    scale.set(name, wholeNumber(`--scale ${name}`, count, 1, 32))
  }
  return scale
}

const wholeNumber = (name: string, text: string, least: number, most: number): number => {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= least && value <= most) return value
  throw new Failure(`${name} takes a whole number from ${least} to ${most}, not "${text}"`)
}
