/** One line of the result: what was measured, what it must reach, and whether it did. */
export type Row = { what: string; measured: string; must: string; reached: boolean }

export const perSecond = (value: number): string => `${Math.round(value).toLocaleString('en')}/s`
export const percent = (value: number): string => `${(value * 100).toFixed(0)} %`
export const ms = (value: number): string => `${value.toFixed(1)} ms`

export const toTable = (rows: readonly Row[]): string =>
  [
    '| what | measured | must reach | |',
    '|---|---|---|---|',
    ...rows.map(
      ({ what, measured, must, reached }) =>
        `| ${what} | ${measured} | ${must} | ${reached ? 'reached' : '**missed**'} |`,
    ),
  ].join('\n')
