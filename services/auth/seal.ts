const ivBytes = 12

/** Encrypts a text by AES-256-GCM, bound to a label; the answer is the nonce and the ciphertext. */
export async function seal(secret: Uint8Array<ArrayBuffer>, text: string, label: string): Promise<Buffer> {
  const iv = crypto.getRandomValues(new Uint8Array(ivBytes))
  const key = await crypto.subtle.importKey('raw', secret, 'AES-GCM', false, ['encrypt'])
  const algorithm = { name: 'AES-GCM', iv, additionalData: new TextEncoder().encode(label) }
  const ciphertext = await crypto.subtle.encrypt(algorithm, key, new TextEncoder().encode(text))
  return Buffer.concat([iv, new Uint8Array(ciphertext)])
}

/** Decrypts what `seal` made. Throws when the secret, the label or a bit differs. */
export async function open(
  secret: Uint8Array<ArrayBuffer>,
  sealed: Uint8Array,
  label: string,
): Promise<string> {
  const bytes = new Uint8Array(sealed)
  const key = await crypto.subtle.importKey('raw', secret, 'AES-GCM', false, ['decrypt'])
  const algorithm = {
    name: 'AES-GCM',
    iv: bytes.subarray(0, ivBytes),
    additionalData: new TextEncoder().encode(label),
  }
  return new TextDecoder().decode(await crypto.subtle.decrypt(algorithm, key, bytes.subarray(ivBytes)))
}
