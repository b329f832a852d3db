import { expect, test } from "bun:test";
import type { Instance } from "../../registry/registry.ts";
import { serviceObjects, serviceText } from "./service-text.ts";
import { servicesText } from "./services.ts";

const text = (name: string) => ({ name, type: "string", values: null });

const first: Instance = {
  id: "greeter-1",
  service: "greeter",
  version: "1.0.0",
  address: "127.0.0.1:7111",
  metadata: { transport: "grpc", server: "grpc" },
  namespace: "shop",
  zone: "eu-1a",
  endpoints: [
    {
      name: "Greeter.Hello",
      metadata: { stream: "false" },
      request: { name: "HelloRequest", type: "HelloRequest", values: [text("name")] },
      response: { name: "HelloResponse", type: "HelloResponse", values: [text("greeting")] },
    },
    {
      name: "Greeter.Count",
      metadata: {},
      request: null,
      response: {
        name: "CountResponse",
        type: "CountResponse",
        values: [{ name: "lastPage", type: "Page", values: [text("nextURL")] }],
      },
    },
  ],
};
const second: Instance = {
  id: "greeter-10",
  service: "greeter",
  version: "1.0.0",
  address: "[fd00::7]:80",
  metadata: {},
};
const newer: Instance = { ...second, id: "greeter-2", version: "1.10.0", address: "db" };
const all = [newer, second, first];

test("a service is printed as Go Micro's tool prints it", () => {
  expect(serviceText(all, false)).toBe(
    `service  greeter

version 1.0.0

ID	Address	Port	Metadata
greeter-1	127.0.0.1	7111	server=grpc,transport=grpc
greeter-10	fd00::7	80	

version 1.10.0

ID	Address	Port	Metadata
greeter-2	db	0	

Endpoint: Greeter.Hello
Metadata: stream=false

Request: {
	name string
}

Response: {
	greeting string
}


Endpoint: Greeter.Count

Request: {}

Response: {
	last_page Page {
		next_url string
	}
}

`,
  );
});

test("wide adds the namespace and the zone", () => {
  expect(serviceText([first], true)).toContain(
    "ID\tAddress\tPort\tMetadata\tNamespace\tZone\n" +
      "greeter-1\t127.0.0.1\t7111\tserver=grpc,transport=grpc\tshop\teu-1a\n",
  );
});

test("what steers a terminal is not printed", () => {
  const evil: Instance = { ...second, id: "a\x1b[2J", version: "1\u009b2J", metadata: { a: "b\tc\n" } };
  for (const text of [serviceText([evil], true), servicesText([{ ...evil, service: "x\x07" }])])
    expect(text.replaceAll(/[\t\n]/g, "")).not.toMatch(/\p{Cc}/u);
  expect(serviceText([evil], false)).toContain("\ta=b\ufffdc\ufffd\n");
});

test("as data it is one Go Micro Service for each version", () => {
  expect(serviceObjects(all)).toMatchObject([
    { name: "greeter", version: "1.0.0", nodes: [{ id: "greeter-1" }, { id: "greeter-10" }] },
    { name: "greeter", version: "1.10.0", nodes: [{ id: "greeter-2", address: "db" }] },
  ]);
});

test("services are listed by name, once each", () => {
  const more = [...all, { ...second, service: "a-first" }];
  expect(servicesText(more)).toBe("a-first\ngreeter\n");
  expect(servicesText(more, "wide")).toBe(
    "NAME     VERSIONS      INSTANCES\na-first  1.0.0         1\ngreeter  1.0.0,1.10.0  3\n",
  );
  expect(JSON.parse(servicesText(more, "json"))[1]).toEqual({
    name: "greeter",
    versions: ["1.0.0", "1.10.0"],
    instances: 3,
  });
  expect(servicesText([])).toBe("");
});
