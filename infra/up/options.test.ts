import { expect, test } from 'bun:test'
import { readOptions } from './options.ts'

test('without options there is one process at port 8000', () => {
  expect(readOptions([])).toMatchObject({ port: 8000, each: false, scale: new Map() })
})

test('every option is read', () => {
  const args = ['--port', '9000', '--data', '/data', '--services', 'each', '--scale', 'message=2,websocket=3']
  const scale = new Map(Object.entries({ message: 2, websocket: 3 }))
  expect(readOptions(args)).toEqual({ port: 9000, data: '/data', each: true, scale })
})

test.each([
  [['--port', 'x'], '--port takes a whole number from 1 to 65000, not "x"'],
  [['--port', '70000'], '--port takes a whole number'],
  [['--scale', 'nobody=2'], '--scale: there is no service "nobody"'],
  [['--scale', 'message'], '--scale message takes a whole number'],
  [['--scale', 'message=0'], '--scale message takes a whole number'],
  [['--services', 'some'], '--services takes "each", not "some"'],
  [['--nothing'], '--nothing'],
])('%j is refused in one line', (args, message) => {
  expect(() => readOptions(args)).toThrow(message)
})
