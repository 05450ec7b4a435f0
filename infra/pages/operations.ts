/** One page that shows the OpenAPI documents of all services, without anything from outside. */
export const operationsPage = (services: string[]): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Plaza API</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<style>
  body { margin: 0; font-family: sans-serif; color: #3b4151 }
  nav { max-width: 1420px; margin: auto; padding: 16px 20px; display: flex; flex-wrap: wrap; gap: 16px }
  nav b, nav a { color: inherit }
  nav [aria-current] { font-weight: bold; text-decoration: none }
</style>
</head>
<body>
<nav>
<b>Plaza API</b>
${services.map((name) => `<a href="#service=${name}">${name}</a>`).join('\n')}
<a href="/docs/events">events and frames</a>
</nav>
<main id="document">${services.length === 0 ? '<p>No document has been written yet.</p>' : ''}</main>
<script src="/docs/swagger-ui-bundle.js"></script>
<script>
  const links = [...document.querySelectorAll('nav a[href^="#"]')]
  const show = () => {
    const link = links.find((one) => one.hash === location.hash) ?? links[0]
    if (!link) return
    for (const one of links) one.toggleAttribute('aria-current', one === link)
    const url = '/docs/openapi/' + link.textContent + '.json'
    SwaggerUIBundle({ url, dom_id: '#document', docExpansion: 'list', persistAuthorization: true })
  }
  addEventListener('hashchange', show)
  show()
</script>
</body>
</html>
`
