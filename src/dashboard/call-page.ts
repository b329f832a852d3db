/** The endpoints of a service, and a form to call one of them. */
import { html } from "hono/html";
import type { CallableEndpoint } from "./endpoints.ts";
import { type Html, type Page, serviceHead, servicePath } from "./layout.ts";
import type { ServiceState } from "./roster.ts";
import { schemaForm } from "./schema-form.ts";
import { shortId } from "./services-page.ts";

export interface CallPageOptions {
  readonly service: ServiceState;
  readonly endpoints: readonly CallableEndpoint[];
  /** Path of the endpoint to call. @default the first */
  readonly chosen?: string | undefined;
}

export function callPage({ service, endpoints, chosen }: CallPageOptions): Page {
  const { name } = service;
  const current = endpoints.find(({ path }) => path === chosen) ?? endpoints[0];
  const body = html`${serviceHead(name, "Call")}
${current === undefined ? html`<p class="empty">No endpoint is known: nothing is told by reflection, and the registry lists none.</p>` : html`<div class="split">${list(name, endpoints, current)}${form(service, current)}</div>`}`;
  return { title: `Call ${name}`, body };
}

function list(name: string, endpoints: readonly CallableEndpoint[], current: CallableEndpoint): Html {
  return html`<nav class="endpoints" aria-label="Endpoints"><ul>${endpoints.map((one) => {
    const here = one === current ? html`aria-current="page"` : html``;
    return html`<li><a href="${servicePath(name)}/call?endpoint=${encodeURIComponent(one.path)}" ${here}><span class="mono">${one.path.slice(one.path.lastIndexOf(".") + 1)}</span> <small>${kind(one)}</small></a></li>`;
  })}</ul></nav>`;
}

function kind({ method: { requestStream, responseStream } }: CallableEndpoint): string {
  if (requestStream && responseStream) return "both stream";
  if (requestStream) return "requests stream";
  return responseStream ? "replies stream" : "";
}

function form({ name, instances }: ServiceState, endpoint: CallableEndpoint): Html {
  const { request, requestStream } = endpoint.method;
  const fields = request.schema === undefined ? undefined : schemaForm(request.schema());
  return html`<form id="call" action="${servicePath(name)}/call" data-endpoint="${endpoint.path}" data-streams="${requestStream ? "true" : "false"}" novalidate>
<div class="ask">
<h2 class="mono">${endpoint.path}</h2>
<p class="quiet">${request.name === "" ? "No schema is known: the request is JSON." : html`Takes ${requestStream ? "a stream of " : ""}<span class="mono">${request.name}</span>`}</p>
${
  fields === undefined
    ? html``
    : html`<fieldset class="modes"><legend class="sr">How the request is written</legend>
<label><input type="radio" name="mode" value="form" checked> Form</label>
<label><input type="radio" name="mode" value="json"> JSON</label></fieldset>
<div id="fields">${fields}</div>`
}
<label class="field" id="json" ${fields === undefined ? html`` : html`hidden`}><span>Request <small>JSON</small></span>
<textarea name="json" rows="8" spellcheck="false">{}</textarea></label>
<details><summary>Instance, metadata, deadline</summary>
<label class="field"><span>Instance</span><select name="instance"><option value="">any, as the selector picks</option>${instances.map(({ instance }) => html`<option value="${instance.id}">${shortId(instance)} at ${instance.address}</option>`)}</select></label>
<label class="field"><span>Metadata <small>a line each, key: value</small></span><textarea name="metadata" rows="2" spellcheck="false" placeholder="x-user-id: 7"></textarea></label>
<label class="field"><span>Deadline <small>ms; empty: 10000, of streams none</small></span><input name="timeout" type="number" min="1" max="3600000"></label>
</details>
<p class="actions"><button type="submit" class="primary">${requestStream ? "Send message" : "Call"}</button>
${requestStream ? html`<button type="button" id="finish" disabled>End requests</button>` : html``}
<button type="button" id="stop" disabled>Stop</button></p>
</div>
<section class="replies" aria-labelledby="replies-title">
<h3 id="replies-title">Replies</h3>
<p id="outcome" role="status" class="quiet">Not called yet.</p>
<ol id="replies" tabindex="0" aria-label="Replies"></ol>
</section>
</form>`;
}
