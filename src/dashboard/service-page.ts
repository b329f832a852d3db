/** One service: its charts, its instances, its endpoints by use. */
import { html } from "hono/html";
import { ageText, type Html, type Page, serviceHead, servicePath, sizeText } from "./layout.ts";
import type { InstanceState, ServiceState } from "./roster.ts";
import type { EndpointRow, MeasuredTopic } from "./series.ts";
import { healthMark, shortId } from "./services-page.ts";

export function servicePage(service: ServiceState): Page {
  const { name, instances } = service;
  const body = html`${serviceHead(name, "Overview")}
<div id="troubles" class="notes" role="status"></div>
<section class="charts" aria-label="Charts of the last minutes">
${chart("calls", "Calls", "per second")}${chart("errors", "Errors", "per second")}${chart("latency", "Latency", "ms")}
</section>
<section aria-labelledby="uses-title">
<h2 id="uses-title">Endpoints, last minute</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Endpoints, last minute"><table>
<caption class="sr">Calls of the last minute by endpoint</caption>
<thead><tr><th scope="col">Endpoint</th><th scope="col" class="num">Calls</th><th scope="col" class="num">Errors</th><th scope="col" class="num">p50</th><th scope="col" class="num">p99</th></tr></thead>
<tbody id="uses">${endpointRows([])}</tbody></table></div>
</section>
<section aria-labelledby="topics-title">
<h2 id="topics-title">Topics, last minute</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Topics, last minute"><table>
<caption class="sr">Messages of the last minute by topic</caption>
<thead><tr><th scope="col">Topic</th><th scope="col" class="num">Published</th><th scope="col" class="num">Received</th></tr></thead>
<tbody id="topics">${topicRows([])}</tbody></table></div>
</section>
<section aria-labelledby="instances-title">
<h2 id="instances-title">Instances</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Instances"><table>
<caption class="sr">Instances of ${name}</caption>
<thead><tr><th scope="col">Instance</th><th scope="col">Health</th><th scope="col">Version</th><th scope="col">Address</th><th scope="col" class="num">Up for</th><th scope="col" class="num">Memory</th><th scope="col" class="num">Requests</th><th scope="col" class="num">Errors</th><th scope="col">Metadata</th></tr></thead>
<tbody id="instances">${instanceRows(instances)}</tbody></table></div>
</section>`;
  return { title: name, body, live: `${servicePath(name)}/live` };
}

function chart(id: string, title: string, unit: string): Html {
  return html`<figure class="chart" id="chart-${id}" data-chart="${id}">
<figcaption><b>${title}</b> <small>${unit}</small> <span class="now" data-now></span></figcaption>
<div class="plot" role="img" aria-label="${title} ${unit}, over time"></div></figure>`;
}

export function instanceRows(instances: readonly InstanceState[]): Html {
  if (instances.length === 0)
    return html`<tr data-key="none"><td colspan="9" class="empty">No instance is registered.</td></tr>`;
  return html`${instances.map((state) => {
    const { instance, started, memory, requests, errors } = state;
    const place = [instance.namespace, instance.zone].filter((one) => one !== undefined).join(", ");
    return html`<tr data-key="${instance.namespace ?? ""} ${instance.id}">
<th scope="row" class="mono wide"><span title="${instance.id}">${shortId(instance)}</span>${place === "" ? "" : html` <small>${place}</small>`}</th>
<td>${healthMark(state)}</td><td>${instance.version}</td><td class="mono">${instance.address}</td>
<td class="num">${started === undefined ? "" : ageText(Date.now() - started)}</td>
<td class="num">${memory === undefined ? "" : sizeText(memory)}</td>
<td class="num">${requests ?? ""}</td><td class="num">${errors ?? ""}</td>
<td class="meta">${Object.entries(instance.metadata).map(([key, value]) => html`<span><i>${key}</i> ${value}</span> `)}</td></tr>`;
  })}`;
}

export function endpointRows(rows: readonly EndpointRow[]): Html {
  if (rows.length === 0)
    return html`<tr data-key="none"><td colspan="5" class="empty">No calls within the last minute.</td></tr>`;
  return html`${rows.map(
    ({ endpoint, calls, errors, p50, p99 }) => html`<tr data-key="${endpoint}">
<th scope="row" class="mono">${endpoint}</th><td class="num">${calls}</td>
<td class="num ${errors > 0 ? "bad" : ""}">${errors}</td><td class="num">${msText(p50)}</td><td class="num">${msText(p99)}</td></tr>`,
  )}`;
}

export function topicRows(rows: readonly MeasuredTopic[]): Html {
  if (rows.length === 0)
    return html`<tr data-key="none"><td colspan="3" class="empty">No messages within the last minute.</td></tr>`;
  return html`${rows.map(
    ({ topic, published, received }) => html`<tr data-key="${topic}">
<th scope="row" class="mono">${topic}</th><td class="num">${published}</td><td class="num">${received}</td></tr>`,
  )}`;
}

function msText(ms: number | null): string {
  if (ms === null) return "–";
  return ms < 10 ? `${ms.toFixed(2)} ms` : ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
