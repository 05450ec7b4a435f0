import { domainToASCII } from 'node:url'

/** An address as it is stored and written to. */
export const tidyEmail = (text: string): string => text.normalize('NFKC').trim()

/** What addresses are compared by: lower case, the domain in its ASCII form. */
export function emailKey(text: string): string {
  const address = tidyEmail(text)
  const at = address.lastIndexOf('@')
  const domain = address.slice(at + 1)
  return `${address.slice(0, at)}@${domainToASCII(domain) || domain}`.toLowerCase()
}
