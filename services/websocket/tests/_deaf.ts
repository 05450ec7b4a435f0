// Says hello on a socket and is then stopped by whoever started it, so that it reads nothing.
const [, , url = '', cursor] = process.argv
const socket = new WebSocket(url)
socket.addEventListener('open', () => {
  socket.send(JSON.stringify({ type: 'hello', cursor }))
  process.stdout.write('hello')
})
