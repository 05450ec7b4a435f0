// The certificate library needs this first.
import 'reflect-metadata'
import {
  BasicConstraintsExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'

/** PEM texts: whom to trust, and what the server shows and signs with. The authority's own key is not kept. */
export type Certificates = { authority: string; certificate: string; key: string }

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const years = 10

/**
 * A private authority and one server certificate by it, for the gateway's connection to auth. They live as long
 * as the installation and never leave it; to renew them, delete the files and start again.
 */
export const makeCertificates = async (hosts: string[]): Promise<Certificates> => {
  const notBefore = new Date(Date.now() - 60_000)
  const notAfter = new Date(notBefore.getTime() + years * 365 * 86_400_000)
  const validity = { notBefore, notAfter, signingAlgorithm: algorithm }
  const authorityKeys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const authority = await X509CertificateGenerator.createSelfSigned({
    ...validity,
    name: 'CN=Plaza',
    keys: authorityKeys,
    extensions: [new BasicConstraintsExtension(true, 0, true)],
  })
  const serverKeys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.create({
    ...validity,
    subject: 'CN=auth',
    issuer: authority.subject,
    publicKey: serverKeys.publicKey,
    signingKey: authorityKeys.privateKey,
    extensions: [
      new SubjectAlternativeNameExtension(
        hosts.map((value) => ({ type: /^[\d.]+$/.test(value) ? 'ip' : 'dns', value })),
      ),
    ],
  })
  const key = Buffer.from(await crypto.subtle.exportKey('pkcs8', serverKeys.privateKey)).toString('base64')
  return {
    authority: authority.toString('pem'),
    certificate: certificate.toString('pem'),
    key: `-----BEGIN PRIVATE KEY-----\n${key.replaceAll(/.{64}(?=.)/g, '$&\n')}\n-----END PRIVATE KEY-----\n`,
  }
}
