import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from './config.ts'

export type Mail = { id: string; to: string; subject: string; text: string }
/** Rejects when the mail was not taken. */
export type MailTransport = (mail: Mail) => Promise<void>

type MailConfig = Pick<Config, 'SMTP_URL' | 'MAIL_FROM' | 'MAIL_DIR'>

/** Sends by SMTP; without SMTP_URL it writes .eml files. */
export const createMailTransport = ({ SMTP_URL, MAIL_FROM, MAIL_DIR }: MailConfig): MailTransport =>
  SMTP_URL ? sendBySmtp(SMTP_URL, MAIL_FROM) : writeToFolder(MAIL_DIR, MAIL_FROM)

function sendBySmtp(url: string, from: string): MailTransport {
  const limits = { connectionTimeout: 10_000, greetingTimeout: 5_000, socketTimeout: 10_000 }
  // Most processes of a day send no mail: the library is loaded for the first.
  let transport: Promise<import('nodemailer').Transporter> | undefined
  return async ({ id, to, subject, text }) => {
    transport ??= import('nodemailer').then(({ createTransport }) => createTransport({ url, ...limits }))
    const address = { name: '', address: to }
    await (await transport).sendMail({ from, to: address, messageId: messageId(id, from), subject, text })
  }
}

/** A file holds the link in one piece, for a person to copy; a reader of the folder only ever sees whole mails. */
function writeToFolder(folder: string, from: string): MailTransport {
  return async ({ id, to, subject, text }) => {
    const headers = [
      `From: ${from}`,
      `To: ${to}`,
      `Subject: ${subject}`,
      `Message-ID: ${messageId(id, from)}`,
      `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: 8bit',
    ]
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const draft = join(folder, `.${id}`)
    await writeFile(draft, [...headers, '', ...text.split('\n')].join('\r\n'), { mode: 0o600 })
    await rename(draft, join(folder, `${id}.eml`))
  }
}

/** A repeat after an unclear failure carries the same id, by which mailboxes drop it. */
const messageId = (id: string, from: string): string =>
  `<${id}@${/@([\w.-]+)/.exec(from)?.[1] ?? 'localhost'}>`
