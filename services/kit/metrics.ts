import { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** The process's metrics. Every service's port shows all of them; the label `service` tells them apart. */
export const registry = new Registry()

export const requestSeconds = new Histogram({
  name: 'http_request_duration_seconds',
  help: 'Time to answer, by service, operation and status',
  labelNames: ['service', 'operation', 'status'],
  buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3],
  registers: [registry],
})

/** Must stay 0: each is a bug that a caller saw as a bare 500. */
export const unexpectedErrors = new Counter({
  name: 'unexpected_errors_total',
  help: 'Errors that no rule foresaw',
  labelNames: ['service'],
  registers: [registry],
})

/** Should stay 0: each is an event that waits in the outbox because the broker will not have it. */
export const refusedEvents = new Counter({
  name: 'outbox_refused_total',
  help: 'Publications that the broker refused',
  registers: [registry],
})

export const counter = (name: string, help: string, labelNames: string[] = []) =>
  new Counter({ name, help, labelNames, registers: [registry] })

/** A gauge that is read when somebody asks for the metrics. */
export const gauge = (name: string, help: string, read: () => number) =>
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read())
    },
  })
