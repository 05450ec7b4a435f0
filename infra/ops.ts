import { parseArgs } from 'node:util'
import { isProblem } from '@plaza/kit/problem'
import { Failure, messageOf } from './failure.ts'
import { grantAdmin } from './ops/admin.ts'
import { dropLetters, listLetters, replayLetters, showLetter } from './ops/dead-letters.ts'
import { rotateSigningKeys } from './ops/keys.ts'
import { rebuildAllMailboxes, rebuildSearchIndex, rebuildUnread } from './ops/rebuild.ts'
import { findPlaza, type Target } from './ops/where.ts'

const usage = `bun run ops [--data DIR] <command>

  admin grant <username> [role]     give a role: admin (default), moderator or user
  dead-letters list                 the events that a consumer gave up on, by service
  dead-letters show <event>         one of them, whole
  dead-letters replay <event>|all   hand it to its consumer again; its effect is taken once
  dead-letters drop <event>         give it up for good
  rebuild mailboxes|unread|search   make a read model anew, while everything runs
  keys rotate                       make the next key that signs access tokens

  --data DIR   the data folder of a running Plaza (default: .plaza). Variables such as AUTH_DATABASE_URL
               and NATS_URL, where they are set, win over what stands there.`

type Command = {
  /** What it is told, by name; a name with `?` may be left out. */
  takes: string[]
  run(target: Target, ...told: string[]): Promise<void>
}

const commands: Record<string, Command> = {
  'admin grant': { takes: ['username', 'role?'], run: grantAdmin },
  'dead-letters list': { takes: [], run: listLetters },
  'dead-letters show': { takes: ['event'], run: showLetter },
  'dead-letters replay': { takes: ['event'], run: replayLetters },
  'dead-letters drop': { takes: ['event'], run: dropLetters },
  'rebuild mailboxes': { takes: [], run: rebuildAllMailboxes },
  'rebuild unread': { takes: [], run: rebuildUnread },
  'rebuild search': { takes: [], run: rebuildSearchIndex },
  'keys rotate': { takes: [], run: rotateSigningKeys },
}

const parse = (args: string[]) => {
  try {
    const options = { data: { type: 'string' }, help: { type: 'boolean', default: false } } as const
    return parseArgs({ args, options, allowPositionals: true })
  } catch (error) {
    throw new Failure(`${messageOf(error)}; see --help`)
  }
}

const main = async (args: string[]) => {
  const { values, positionals } = parse(args)
  if (values.help) return console.log(usage)
  if (positionals.length === 0) return misused(usage)
  const [group = '', verb = '', ...rest] = positionals
  const command = commands[`${group} ${verb}`]
  const help = usageOf(positionals.slice(0, 2).join(' '))
  if (!command && !verb && help) return misused(help)
  if (!command) throw new Failure(`there is no command "${positionals.join(' ')}"; see --help`)
  if (command.takes.slice(rest.length).some((name) => !name.endsWith('?'))) return misused(help)
  const surplus = rest.slice(command.takes.length)
  if (surplus.length > 0) throw new Failure(`"${surplus.join(' ')}" is too much; see --help`)
  await command.run(await findPlaza(values.data), ...rest)
}

/** The lines of the usage about the commands that begin so; empty when there are none. */
const usageOf = (words: string): string => {
  const lines = usage.split('\n').filter((line) => line.startsWith(`  ${words} `))
  return lines.length > 0 ? ['bun run ops [--data DIR]', ...lines].join('\n') : ''
}

const misused = (help: string) => {
  console.error(help)
  process.exitCode = 2
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  console.error(`plaza: ${isProblem(error) ? error.detail : messageOf(error)}`)
  process.exitCode = 1
}
