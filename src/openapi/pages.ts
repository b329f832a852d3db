/** `/openapi.json`, and `/docs`, the page that reads it: all of it embedded, nothing inline, nothing from elsewhere. */
import type { OpenApi } from "./document.ts";
import script from "./page/page.client.js" with { type: "text" };
import style from "./page/page.css" with { type: "text" };
import schemaScript from "./page/schema.client.js" with { type: "text" };
import tryScript from "./page/try.client.js" with { type: "text" };

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

// addresses are relative: a gateway may serve it below a path
const html = `<!doctype html>
<html lang="en" data-api="openapi.json">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API</title>
<link rel="stylesheet" href="docs/page.css">
<script type="module" src="docs/page.client.js"></script>
</head>
<body>
<nav aria-label="Operations">
<h1>API</h1>
<p class="quiet"><span id="version"></span> · <a href="openapi.json">openapi.json</a></p>
<input id="filter" type="search" placeholder="Filter ( / )" aria-label="Filter operations">
<ul></ul>
</nav>
<main></main>
</body>
</html>
`;

const assets: Readonly<Record<string, readonly [type: string, text: string]>> = {
  "/docs": ["text/html", html],
  "/docs/page.css": ["text/css", style],
  "/docs/page.client.js": ["text/javascript", script],
  "/docs/schema.client.js": ["text/javascript", schemaScript],
  "/docs/try.client.js": ["text/javascript", tryScript],
};

/** @param describe asked at the first request */
export function apiPages(describe: () => OpenApi): (path: string) => (() => Response) | undefined {
  let document: string | undefined;
  return (path) => {
    if (path === "/openapi.json")
      return () => {
        document ??= JSON.stringify(describe());
        return page("application/json", document);
      };
    const [type, text] = Object.hasOwn(assets, path) ? assets[path]! : [];
    return type === undefined || text === undefined ? undefined : () => page(`${type}; charset=utf-8`, text);
  };
}

function page(type: string, text: string): Response {
  return new Response(text, {
    headers: {
      "content-type": type,
      "content-security-policy": policy,
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cache-control": "no-cache",
    },
  });
}
