import type { z } from 'zod'
import { newId } from './id.ts'
import { sampledTraceparent } from './trace.ts'

/**
 * A fact that a service publishes: CloudEvents 1.0 in JSON. It is stored with the change it tells of,
 * travels as `evt.<type>.<subject>` on the service's stream (see deliveredSubjectOf), and is the very text
 * that a person's devices receive, so what stands in `data` is what its recipients may see.
 */
export type PlazaEvent<Data = unknown> = {
  specversion: '1.0'
  id: string
  /** `/<service>`. */
  source: string
  /** `<entity>.<past verb>`. */
  type: string
  /** The id of the aggregate that changed. */
  subject: string
  /** RFC 3339. */
  time: string
  /** The version of the aggregate after this change; a consumer only ever moves to a higher one. */
  version?: number
  /** The user whose act it was; absent for the system's own. */
  actor?: string | undefined
  /** W3C trace context, when the request was sampled. */
  traceparent?: string | undefined
  data: Data
}

/** An event with the people whose mailboxes get it. The list travels beside the text, not in it. */
export type Emission = { event: PlazaEvent; recipients: readonly string[] }

export type EventDefinition<Data> = {
  readonly type: string
  readonly stream: string
  readonly schema: z.ZodType<Data>
  /** Makes the event; `recipients` are the users whose mailboxes receive it (default: nobody's). */
  emit(fields: Fields<Data>): Emission
  /** The data of a received event. Throws ZodError when it is not of this type. */
  parse(event: PlazaEvent): PlazaEvent<Data>
}

type Fields<Data> = {
  subject: string
  data: Data
  id?: string
  version?: number
  actor?: string | undefined
  recipients?: readonly string[]
}

/** Declares an event beside its entity. `service` names the source and, in upper case unless told otherwise, the stream. */
export function defineEvent<Data>(
  service: string,
  type: string,
  schema: z.ZodType<Data>,
  stream = service.toUpperCase(),
): EventDefinition<Data> {
  return {
    type,
    schema,
    stream,
    emit({ subject, data, id = newId(), recipients = [], ...rest }) {
      const time = new Date().toISOString()
      const traceparent = sampledTraceparent()
      return {
        event: {
          specversion: '1.0',
          id,
          source: `/${service}`,
          type,
          subject,
          time,
          ...rest,
          traceparent,
          data,
        },
        recipients,
      }
    },
    parse: (event) => ({ ...event, data: schema.parse(event.data) }),
  }
}

export const subjectOf = (event: PlazaEvent): string => `evt.${event.type}.${event.subject}`

/** Where an event is published that its recipients' mailboxes have: all consumers take it, but relay's delivery. */
export const deliveredSubjectOf = ({ subject }: { subject: string }): string => `${subject}.delivered`
