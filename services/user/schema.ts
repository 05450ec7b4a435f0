import { z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { Line, Text, tidyLine } from '@plaza/kit/text'

const maxFields = 20

/** A record of zod leaves out a key of this name, and all but one of those that tidying makes the same: nobody would learn of it. */
function refuseLost(fields: Record<string, string>, context: z.RefinementCtx): Record<string, string> {
  const names = Object.keys(Object(fields))
  if (names.includes('__proto__')) context.addIssue({ code: 'custom', message: 'must not hold __proto__' })
  if (new Set(names.map(tidyLine)).size < names.length)
    context.addIssue({ code: 'custom', message: 'must not hold the same name twice' })
  return fields
}

/** What a list shows of a person. */
export const Person = z
  .object({
    userId: Id,
    username: z.string(),
    displayName: z.string().nullable(),
    avatar: z.string().nullable(),
  })
  .openapi('Person')
export type Person = z.infer<typeof Person>

/** A profile as every logged-in person sees it. */
export const Profile = Person.extend({
  bio: z.string().nullable(),
  age: z.int().nullable(),
  gender: z.string().nullable(),
  favouriteStyle: z.string().nullable(),
  totalPosts: z.int().openapi({ description: 'Counted by Plaza; cannot be set' }),
  fields: z.record(z.string(), z.string()),
  version: z.int(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
}).openapi('Profile')
export type Profile = z.infer<typeof Profile>

/** What a person may set in their own profile. A field left out stays as it is; null empties it. */
export const ProfileEdit = z
  .object({
    displayName: Line(64).nullable(),
    bio: Text(1_000).nullable(),
    avatar: z
      .union([Id, z.url({ protocol: /^https$/ }).max(512)])
      .nullable()
      .openapi({ description: 'The id of a media item, or an https address' }),
    age: z.int().min(0).max(150).nullable(),
    gender: Line(40).nullable(),
    favouriteStyle: Line(80).nullable(),
    fields: z
      .preprocess(
        refuseLost,
        z
          .record(Line(40), Line(200))
          .refine(
            (fields) => Object.keys(fields).length <= maxFields,
            `must not hold more than ${maxFields}`,
          ),
      )
      .openapi({ description: `Up to ${maxFields} fields of one's own; given, they replace all` }),
  })
  .partial()
  .openapi('ProfileEdit')
export type ProfileEdit = z.output<typeof ProfileEdit>

const Audience = z.enum(['everyone', 'contacts', 'nobody'])

/** Who may reach a person and what others learn of them. */
export const PrivacySettings = z
  .object({
    whoMayWrite: Audience,
    whoSeesPresence: Audience,
    sendDeliveryReceipts: z.boolean(),
    sendReadReceipts: z.boolean(),
  })
  .openapi('PrivacySettings')
export const Privacy = PrivacySettings.extend({ version: z.int() }).openapi('Privacy')
export type Privacy = z.infer<typeof Privacy>

/** How a person stands to another in their own view: `outgoing` has asked, `incoming` was asked. */
export const ContactState = z.enum(['none', 'outgoing', 'incoming', 'accepted'])
export type ContactState = z.infer<typeof ContactState>

/** A contact, or a request for one, in the caller's view. */
export const Contact = z
  .object({
    person: Person,
    state: ContactState,
    version: z.int(),
    changedAt: z.iso.datetime(),
  })
  .openapi('Contact')
export type Contact = z.infer<typeof Contact>

/** Someone whom the caller has blocked. */
export const Block = z
  .object({ person: Person, version: z.int(), blockedAt: z.iso.datetime() })
  .openapi('Block')

/** Everything the caller has set about one person, as it is now; `person` is null when they are gone. */
export const RelationState = z
  .object({
    userId: Id,
    person: z.union([Person, z.null()]),
    state: ContactState,
    blocked: z.boolean(),
    version: z.int(),
  })
  .openapi('RelationState')

/** The other person, in the path. */
export const UserIdParam = z.object({ userId: Id })
