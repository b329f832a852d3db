import { expect, test } from "bun:test";
import { jsonMethod } from "../call.ts";
import type { Instance } from "../registry/registry.ts";
import { callPage } from "./call-page.ts";
import { ageText, layout, type Page, sizeText } from "./layout.ts";
import type { ServiceState } from "./roster.ts";
import { endpointRows, servicePage } from "./service-page.ts";
import { servicesPage, shortId } from "./services-page.ts";
import { configPage, eventsPage, logsPage, toldConfig } from "./told-pages.ts";

const evil = `"'><img src=x onerror="window.hacked=1"><script>window.hacked=1</script>`;
const instance: Instance = {
  ...{ id: evil, service: evil, version: evil, address: evil, namespace: evil, zone: evil },
  metadata: { [evil]: evil },
};
const service: ServiceState = {
  name: evil,
  instances: [
    { instance, health: "failing", detail: evil },
    { instance: { ...instance, id: `${evil}2` }, health: "ok", started: 1, memory: 1 },
  ],
};
const method = jsonMethod(evil, evil);
const told = [{ key: evil, name: evil, value: evil, source: evil }];

const pages: Readonly<Record<string, () => Page>> = {
  services: () => servicesPage([service]),
  service: () => servicePage(service),
  call: () => callPage({ service, endpoints: [{ path: evil, method }], chosen: evil }),
  config: () => configPage(service, toldConfig(evil, { runtime: evil, flags: told }, { values: told })),
  "config that is not told": () => configPage(service, evil),
  logs: () => logsPage(service),
  events: () => eventsPage(service),
};

for (const [name, page] of Object.entries(pages)) {
  test(`the page of ${name} says what others wrote as text alone`, async () => {
    const text = String(await layout(page(), { registry: evil, pageToken: evil }));
    expect(text).toContain("&lt;img src=x");
    expect(
      text.replaceAll(/<script src="\/assets\/[a-z]+\.js"( defer| type="module")?><\/script>/g, ""),
    ).not.toMatch(/<img|<script|onerror="/);
    // no attribute ends early: each quote that is not escaped is ours
    for (const [tag] of text.matchAll(/<[a-z][^>]*>/g))
      expect(tag.match(/"/g)?.length ?? 0).toSatisfy((quotes) => quotes % 2 === 0);
  });
}

test("rows of endpoints are text too", async () => {
  const rows = await endpointRows([{ endpoint: evil, calls: 1, errors: 1, p50: 0.5, p99: 1500 }]);
  expect(String(rows)).not.toMatch(/<img|<script/);
  expect(String(rows)).toContain("0.50 ms");
  expect(String(rows)).toContain("1.5 s");
});

test("an instance is told by what tells it from its like", () => {
  expect(shortId({ service: "shop", id: "shop-0f8fad5b-d9cb-469f-a165-70867728950e" })).toBe("0f8fad5b");
  expect(shortId({ service: "db", id: "db-1" })).toBe("db-1");
});

test("ages and sizes are told in the unit that fits", () => {
  expect([-5, 59_999, 60_000, 7_200_000, 172_800_000].map(ageText)).toEqual([
    "0 s",
    "59 s",
    "1 min",
    "2 h",
    "2 d",
  ]);
  expect([1, 2048, 5 * 1024 * 1024].map(sizeText)).toEqual(["1 KiB", "2 KiB", "5 MiB"]);
});
