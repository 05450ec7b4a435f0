import { median } from './quantiles.ts'

/**
 * Measures two things in turn, a b a b a b, so that a noisy machine is as noisy for both. Each runs once before, for
 * nothing: a process that has just started still compiles what it runs. Answers the median of each and of the ratios
 * of neighbours.
 */
export async function alternate<A, B>(
  rounds: number,
  first: { run(): Promise<A>; figure(result: A): number },
  second: { run(): Promise<B>; figure(result: B): number },
): Promise<{ first: number; second: number; ratio: number; firsts: A[]; seconds: B[] }> {
  const firsts: A[] = []
  const seconds: B[] = []
  await first.run()
  await second.run()
  for (let round = 0; round < rounds; round += 1) {
    firsts.push(await first.run())
    seconds.push(await second.run())
  }
  const a = firsts.map(first.figure)
  const b = seconds.map(second.figure)
  return {
    first: median(a),
    second: median(b),
    ratio: median(a.map((value, index) => value / (b[index] ?? Number.NaN))),
    firsts,
    seconds,
  }
}
