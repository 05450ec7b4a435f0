import { ZxcvbnFactory } from '@zxcvbn-ts/core'
import * as common from '@zxcvbn-ts/language-common'
import * as english from '@zxcvbn-ts/language-en'
import type { Judgement } from './password-strength.ts'

declare const self: Worker

/** Judging grows faster than the length: a password is as strong as its beginning, which is enough. */
const judgedCharacters = 40

const zxcvbn = new ZxcvbnFactory({
  dictionary: { ...common.dictionary, ...english.dictionary },
  graphs: common.adjacencyGraphs,
  translations: english.translations,
})

self.onmessage = ({ data }: MessageEvent<{ id: number; password: string; known: string[] }>) => {
  const { score, feedback } = zxcvbn.check(data.password.slice(0, judgedCharacters), data.known)
  const judgement: Judgement = { score, hint: feedback.warning }
  self.postMessage({ id: data.id, judgement })
}
