import { join } from 'node:path'
import { lock } from '../lock.ts'
import { run } from './command.ts'
import { type Progress, toolsFolder } from './tool.ts'

/** Whether packages of the system can be installed here: by apt, which takes root. */
export const canInstall = (): boolean => Bun.which('apt-get') !== null && process.getuid?.() === 0

/** Installs a package of the system, with its list read anew where it is not known. Throws Failure. */
export const installPackage = async (name: string, progress: Progress): Promise<void> => {
  // Of two at once the second would find the lists taken, and not wait.
  using _held = await lock(join(toolsFolder(), 'packages.lock'), () =>
    progress('waiting for another process to install packages'),
  )
  const install = ['apt-get', 'install', '-y', '-qq', '--no-install-recommends', name]
  const patient = ['-o', 'DPkg::Lock::Timeout=120']
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  await run([...install, ...patient], { env }).catch(async () => {
    progress('reading the list of system packages')
    await run(['apt-get', 'update', '-qq'], { env })
    await run([...install, ...patient], { env })
  })
}
