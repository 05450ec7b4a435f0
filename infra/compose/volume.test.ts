import { afterAll, expect, test } from 'bun:test'
import { lstat, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { giveVolume } from './volume.ts'

const root = await mkdtemp(join(tmpdir(), 'plaza-volume-'))
afterAll(() => rm(root, { recursive: true }))

// Nobody else may give files away.
test.skipIf(process.getuid?.() !== 0)(
  'a volume is given whole, though its top is owned already, and nothing beyond it',
  async () => {
    const at = (name: string) => join(root, name)
    await mkdir(at('volume/inner'), { recursive: true })
    await Bun.write(at('volume/inner/file'), '')
    await Bun.write(at('beyond'), '')
    await symlink(at('beyond'), at('volume/link'))
    await giveVolume(at('volume'), 10_004)
    // As an older version left it: the top is right, what is in it is not.
    await Bun.$`chown -hR 999:999 ${at('volume/inner')}`
    await giveVolume(at('volume'), 10_004)
    const ownerOf = async (name: string) => {
      const { uid, gid } = await lstat(at(name))
      return [uid, gid]
    }
    for (const name of ['volume', 'volume/inner', 'volume/inner/file', 'volume/link'])
      expect(await ownerOf(name)).toEqual([10_004, 10_004])
    expect(await ownerOf('beyond')).toEqual([0, 0])
  },
)
