/** All services: where they run, and how they are. */
import { html } from "hono/html";
import { ageText, type Html, type Page, servicePath } from "./layout.ts";
import type { Health, InstanceState, ServiceState } from "./roster.ts";

/** Of one service on this page; its own page lists more. */
const maxShown = 20;

export function servicesPage(services: readonly ServiceState[]): Page {
  const body = html`<h1>Services</h1>
<div class="scroll" tabindex="0" role="region" aria-label="Services, by instance">
<table>
<caption class="sr">Instances of all services</caption>
<thead><tr><th scope="col">Service</th><th scope="col">Health</th><th scope="col">Instance</th><th scope="col">Version</th><th scope="col">Address</th><th scope="col" class="num">Up for</th></tr></thead>
<tbody id="services" aria-busy="false">${servicesRows(services)}</tbody>
</table></div>`;
  return { title: "Services", body, live: "/live/services" };
}

export function servicesRows(services: readonly ServiceState[]): Html {
  if (services.length === 0)
    return html`<tr data-key="none"><td colspan="6" class="empty">No service is registered. Start one: <code>microrun ./greeter.ts --inspect</code></td></tr>`;
  return html`${services.flatMap(({ name, instances }) => [
    ...instances
      .slice(0, maxShown)
      .map((state, index) => row(name, state, index === 0 ? instances.length : 0)),
    ...(instances.length > maxShown
      ? [
          html`<tr data-key="${name} more"><td></td><td colspan="5" class="quiet">and ${instances.length - maxShown} more</td></tr>`,
        ]
      : []),
  ])}`;
}

/** @param first of so many; 0: not the first */
function row(name: string, state: InstanceState, first: number): Html {
  const { instance, started } = state;
  const count = first > 1 ? html` <small>${first} instances</small>` : html``;
  const title =
    first > 0
      ? html`<a href="${servicePath(name)}">${name}</a>${count}`
      : html`<span class="sr">${name}</span>`;
  return html`<tr data-key="${name} ${instance.id}" class="${first > 0 ? "first" : ""}">
<th scope="row">${title}</th>
<td>${healthMark(state)}</td>
<td class="mono wide">${shortId(instance)}${instance.namespace === undefined ? "" : html` <small>${instance.namespace}</small>`}</td>
<td>${instance.version}</td>
<td class="mono">${instance.address}</td>
<td class="num">${started === undefined ? "" : ageText(Date.now() - started)}</td>
</tr>`;
}

const words: Readonly<Record<Health, string>> = {
  ok: "healthy",
  failing: "failing",
  unreachable: "unreachable",
  silent: "not told",
  asking: "asking",
};

/** Told by a word, and by a colour too. */
export function healthMark({ health, detail }: Pick<InstanceState, "health" | "detail">): Html {
  const why = detail === undefined ? html`` : html`<span class="why">${detail}</span>`;
  return html`<span class="health ${health}">${words[health]}</span>${why}`;
}

/** Of a name and a UUID what tells it from its like. */
export function shortId({ service, id }: { readonly service: string; readonly id: string }): string {
  const own = id.startsWith(`${service}-`) ? id.slice(service.length + 1) : id;
  return /^[\da-f]{8}-[\da-f-]{27}$/.test(own) ? own.slice(0, 8) : id;
}
