/** A service as Go Micro's tool prints it (micro v0.22, `micro get service`), and as data. */
import type { Shape } from "../../call.ts";
import { serviceJson } from "../../micro-service-json.ts";
import type { Instance, InstanceEndpoint } from "../../registry/registry.ts";
import { plain } from "../command/output.ts";

/** By version, the oldest first; each instance by its id. */
export function byVersion(instances: readonly Instance[]): Instance[][] {
  const order = new Intl.Collator("en", { numeric: true });
  const versions = new Map<string, Instance[]>();
  for (const one of instances.toSorted((a, b) => order.compare(a.id, b.id)))
    versions.set(one.version, [...(versions.get(one.version) ?? []), one]);
  return [...versions].sort(([a], [b]) => order.compare(a, b)).map(([, group]) => group);
}

/** Go Micro's Service objects, one for each version. */
export function serviceObjects(instances: readonly Instance[]): unknown[] {
  return byVersion(instances).map((group) => JSON.parse(serviceJson(group)));
}

/** @param wide with columns that Go Micro does not know */
export function serviceText(instances: readonly Instance[], wide: boolean): string {
  const versions = byVersion(instances);
  const lines = [`service  ${plain(instances[0]?.service ?? "")}`];
  for (const group of versions) {
    const { version } = group[0]!;
    if (version !== "") lines.push(`\nversion ${plain(version)}`);
    lines.push(`\nID\tAddress\tPort\tMetadata${wide ? "\tNamespace\tZone" : ""}`);
    for (const one of group) {
      const [, host = one.address, port = "0"] = /^(.*):(\d+)$/.exec(one.address) ?? [];
      const more = wide ? [one.namespace ?? "", one.zone ?? one.metadata.zone ?? ""] : [];
      lines.push(
        [one.id, host.replace(/^\[|\]$/g, ""), port, pairs(one.metadata), ...more].map(plain).join("\t"),
      );
    }
  }
  const endpoints = versions.flat().find((one) => one.endpoints?.length)?.endpoints ?? [];
  return `${[...lines, ...endpoints.map(endpointText)].join("\n")}\n`;
}

function endpointText({ name, metadata, request, response }: InstanceEndpoint): string {
  const told = plain(pairs(metadata));
  const head = `\nEndpoint: ${plain(name)}\n${told === "" ? "" : `Metadata: ${told}\n`}`;
  return `${head}\nRequest: ${messageText(request)}\n\nResponse: ${messageText(response)}\n`;
}

function messageText(shape: Shape | null): string {
  if (!shape?.values?.length) return "{}";
  return `{\n${shape.values.map((value) => fieldText(value, "\t")).join("")}}`;
}

function fieldText({ name, type, values }: Shape, indent: string): string {
  const head = `${indent}${plain(snake(name))} ${plain(type)}`;
  if (!values?.length) return `${head}\n`;
  return `${head} {\n${values.map((value) => fieldText(value, `${indent}\t`)).join("")}${indent}}\n`;
}

/** `lastName` is `last_name` in a `.proto`, which is how the tool prints it. */
function snake(name: string): string {
  return name
    .replace(/([a-z\d])([A-Z])/g, "$1_$2")
    .replace(/([A-Z])([A-Z][a-z])/g, "$1_$2")
    .toLowerCase();
}

function pairs(metadata: Readonly<Record<string, string>>): string {
  return Object.entries(metadata)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
}
