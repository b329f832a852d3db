/** What instances tell of themselves: configuration, logs, events. */
import { html } from "hono/html";
import { type Html, type Page, serviceHead, servicePath } from "./layout.ts";
import type { Reply } from "./peers.ts";
import type { ServiceState } from "./roster.ts";
import { shortId } from "./services-page.ts";

export interface ToldConfig {
  readonly instance: string;
  readonly runtime: string;
  readonly values: readonly { readonly key: string; readonly value: string; readonly source: string }[];
  readonly flags: readonly { readonly name: string; readonly value: string; readonly source: string }[];
}

/** @param told why nothing is known, where that is a text */
export function configPage({ name, instances }: ServiceState, told: ToldConfig | string): Page {
  const links = instances.map(({ instance }) => {
    const here =
      typeof told !== "string" && instance.id === told.instance ? html`aria-current="page"` : html``;
    return html`<a href="${servicePath(name)}/config?instance=${encodeURIComponent(instance.id)}" ${here}>${shortId(instance)}</a>`;
  });
  const body = html`${serviceHead(name, "Config")}
${instances.length > 1 ? html`<nav class="tabs minor" aria-label="Instances">${links}</nav>` : html``}
${typeof told === "string" ? html`<p class="empty">${told}</p>` : configTables(told)}`;
  return { title: `Config of ${name}`, body };
}

function configTables({ values, flags, runtime }: ToldConfig): Html {
  return html`<p class="quiet">${runtime}. Secrets are not told: <code>***</code></p>
<section aria-labelledby="config-title"><h2 id="config-title">Configuration</h2>
${
  values.length === 0
    ? html`<p class="empty">No source of configuration says anything.</p>`
    : html`<label class="field filter"><span>Filter</span><input type="search" data-filter="config"></label>
<div class="scroll" tabindex="0" role="region" aria-label="Configuration"><table>
<caption class="sr">Configuration values with their sources</caption>
<thead><tr><th scope="col">Key</th><th scope="col">Value</th><th scope="col">Source</th></tr></thead>
<tbody id="config">${rows(values.map(({ key, value, source }) => [key, value, source]))}</tbody></table></div>`
}</section>
<section aria-labelledby="flags-title"><h2 id="flags-title">Flags in force</h2>
${
  flags.length === 0
    ? html`<p class="empty">All flags have their defaults.</p>`
    : html`<div class="scroll" tabindex="0" role="region" aria-label="Flags in force"><table>
<caption class="sr">Flags that were given</caption>
<thead><tr><th scope="col">Flag</th><th scope="col">Value</th><th scope="col">Said by</th></tr></thead>
<tbody>${rows(flags.map(({ name, value, source }) => [name, value, source]))}</tbody></table></div>`
}</section>`;
}

function rows(values: readonly (readonly [string, string, string])[]): Html[] {
  return values.map(
    ([key, value, source]) =>
      html`<tr data-key="${key}"><th scope="row" class="mono">${key}</th><td class="mono wrap">${value}</td><td class="mono quiet">${source}</td></tr>`,
  );
}

export function logsPage({ name }: ServiceState): Page {
  const body = html`${serviceHead(name, "Logs")}
<div id="troubles" class="notes" role="status"></div>
<div class="tools"><label class="field"><span>Level</span><select id="log-level"><option value="debug">all</option><option value="info">info and above</option><option value="warn">warn and above</option><option value="error">error</option></select></label>
<label class="field grow"><span>Filter</span><input type="search" id="log-filter" spellcheck="false"></label>
<button type="button" id="pause" aria-pressed="false">Pause</button>
<button type="button" id="clear">Clear</button></div>
<h2 class="sr">Lines</h2>
<ol id="log" class="log" role="log" aria-live="off" tabindex="0" aria-label="Log lines, the newest last"></ol>
<p id="log-count" class="quiet">No lines yet.</p>`;
  return { title: `Logs of ${name}`, body, live: `${servicePath(name)}/live/logs` };
}

export function eventsPage({ name }: ServiceState): Page {
  const body = html`${serviceHead(name, "Events")}
<div id="troubles" class="notes" role="status"></div>
<div class="tools"><label class="field grow"><span>Topic</span><input type="search" id="event-filter" spellcheck="false"></label>
<button type="button" id="pause" aria-pressed="false">Pause</button></div>
<div class="scroll tall" tabindex="0" role="region" aria-label="Events"><table>
<caption class="sr">Messages published and received, the newest first</caption>
<thead><tr><th scope="col">Time</th><th scope="col">What</th><th scope="col">Topic</th><th scope="col" class="num">Bytes</th><th scope="col">Instance</th><th scope="col">Message</th></tr></thead>
<tbody id="events"></tbody></table></div>
<p class="quiet" id="event-count">No events yet. Payloads are told outside of a cluster alone.</p>`;
  return { title: `Events of ${name}`, body, live: `${servicePath(name)}/live/events` };
}

/** As the `Inspect` service tells it. */
export function toldConfig(instance: string, overview: Reply, config: Reply): ToldConfig {
  return {
    instance,
    runtime: String(overview.runtime ?? ""),
    values: (config.values ?? []).map(textsOf("key", "value", "source")),
    flags: (overview.flags ?? []).map(textsOf("name", "value", "source")),
  };
}

function textsOf<K extends string>(...keys: readonly K[]): (reply: Reply) => Record<K, string> {
  return (reply) =>
    Object.fromEntries(keys.map((key) => [key, String(reply[key] ?? "")])) as Record<K, string>;
}
