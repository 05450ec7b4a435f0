import { join } from 'node:path'

const root = join(import.meta.dir, '..')
const stamp = join(root, 'node_modules/.plaza-lock')

/**
 * Installs the packages unless those of this lock file are there. It is called before anything from a package
 * is imported, so this file itself may use nothing but the runtime. Ends the process when it fails.
 */
export const ensurePackages = async () => {
  const wanted = Bun.hash(await Bun.file(join(root, 'bun.lock')).text()).toString(16)
  const present = await Bun.file(stamp)
    .text()
    .catch(() => '')
  if (present === wanted) return
  console.log('… packages: installing')
  const install = Bun.spawn([process.execPath, 'install', '--frozen-lockfile'], {
    cwd: root,
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
  })
  const [complaint, code] = await Promise.all([install.stderr.text(), install.exited])
  if (code !== 0) {
    const [reason = `exit ${code}`] = complaint.match(/(?<=^error: ).*/m) ?? []
    console.error(`plaza: the packages could not be installed: ${reason}`)
    process.exit(1)
  }
  await Bun.write(stamp, wanted)
}
