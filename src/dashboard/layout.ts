/** The frame of every page: header, navigation, what its script is told. */
import { html } from "hono/html";
import type { HtmlEscapedString } from "hono/utils/html";

/** Whatever is put into it is escaped. */
export type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

export interface Page {
  readonly title: string;
  readonly body: Html;
  /** Where its script hears of changes. @default nothing changes */
  readonly live?: string;
}

export interface Frame {
  /** `local` */
  readonly registry: string;
  readonly pageToken: string;
}

export function layout({ title, body, live }: Page, { registry, pageToken }: Frame): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="page-token" content="${pageToken}">
<title>${title} · microrun</title>
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/uplot.css">
<link rel="stylesheet" href="/assets/dashboard.css">
<script src="/assets/theme.js"></script>
<script src="/assets/uplot.js" defer></script>
<script src="/assets/dashboard.js" type="module"></script>
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header class="top">
<nav aria-label="Main"><a class="brand" href="/">microrun</a> <a href="/">Services</a></nav>
<p class="quiet">registry <b>${registry}</b></p>
<p id="link" class="link" role="status">${live === undefined ? "" : "connecting"}</p>
<label class="theme"><span class="sr">Colours</span><select id="theme"><option value="">System</option><option value="light">Light</option><option value="dark">Dark</option></select></label>
</header>
<main id="main" tabindex="-1" ${live === undefined ? html`` : html`data-live="${live}"`}>
${body}
</main>
</body>
</html>`;
}

const tabs = [
  ["", "Overview"],
  ["/call", "Call"],
  ["/logs", "Logs"],
  ["/events", "Events"],
  ["/config", "Config"],
] as const;

export type Tab = (typeof tabs)[number][1];

/** What the pages of one service begin with. */
export function serviceHead(name: string, current: Tab): Html {
  return html`<p class="crumbs"><a href="/">Services</a> <span aria-hidden="true">/</span></p>
<h1>${name}</h1>
<nav class="tabs" aria-label="${name}">${tabs.map(([path, title]) => {
    const here = title === current ? html`aria-current="page"` : html``;
    return html`<a href="${servicePath(name)}${path}" ${here}>${title}</a>`;
  })}</nav>`;
}

export function servicePath(name: string): string {
  return `/services/${encodeURIComponent(name)}`;
}

/** `3 d`, `2 h`, `5 min`, `20 s` */
export function ageText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

export function sizeText(bytes: number): string {
  return bytes < 1024 * 1024 ? `${Math.ceil(bytes / 1024)} KiB` : `${Math.round(bytes / 1024 / 1024)} MiB`;
}
