import { expect, test } from "bun:test";
import type { Instance } from "../../registry/registry.ts";
import type { PodText } from "./form.ts";
import { isWithdrawn, kratosForm } from "./kratos-form.ts";
import { sharing } from "./share.ts";

const kratos = kratosForm("kratos");
const greeter: Instance = {
  id: "greeter-id-1",
  service: "greeter",
  version: "v1.0.0",
  address: "127.0.0.1:7211",
  protocols: { grpc: "127.0.0.1:7211", http: "127.0.0.1:7212" },
  metadata: { region: "sh" },
};

test("an instance is announced as Kratos does", () => {
  expect(kratos.announce([greeter])).toEqual({
    labels: {
      "kratos-service-id": "greeter-id-1",
      "kratos-service-app": "greeter",
      "kratos-service-version": "v1.0.0",
    },
    annotations: {
      "kratos-service-metadata": '{"region":"sh"}',
      "kratos-service-protocols": '{"7211":"grpc","7212":"http"}',
    },
  });
});

test("a withdrawal empties the values and keeps the keys", () => {
  expect(kratosForm("gomicro").withdraw(greeter)).toEqual({
    labels: { "gomicro-service-id": "", "gomicro-service-app": "", "gomicro-service-version": "" },
    annotations: { "gomicro-service-metadata": "{}", "gomicro-service-protocols": "{}" },
  });
});

test("one port that speaks several protocols is announced as gRPC, and one address by its metadata", () => {
  const { protocols: _, ...single } = greeter;
  const both = { ...greeter, protocols: { http: "10.0.0.7:8080", grpc: "10.0.0.7:8080" } };
  expect(kratos.announce([both]).annotations["kratos-service-protocols"]).toBe('{"8080":"grpc"}');
  expect(kratos.announce([single]).annotations["kratos-service-protocols"]).toBe('{"7211":"grpc"}');
  const web = { ...single, metadata: { protocol: "http" } };
  expect(kratos.announce([web]).annotations["kratos-service-protocols"]).toBe('{"7211":"http"}');
});

test("names, ids, versions and addresses that labels cannot hold are refused before anything is sent", () => {
  for (const wrong of [
    { service: "bad name/x" },
    { id: "bad id" },
    { id: `${"i".repeat(63)}-` },
    { version: "1 0" },
    { protocols: { http: "unix:/run/a" } },
  ])
    expect(() => kratos.check({ ...greeter, ...wrong }), JSON.stringify(wrong)).toThrow();
  expect(() => kratos.check({ ...greeter, version: "" })).not.toThrow();
});

test("of an id longer than a label's value its end is told, whatever the name before its UUID", () => {
  const uuid = crypto.randomUUID();
  for (const [name, told] of [
    ["n".repeat(26), `${"n".repeat(26)}-${uuid}`],
    ["n".repeat(27), `${"n".repeat(26)}-${uuid}`],
    [`n${"-".repeat(26)}n`, `n-${uuid}`],
    ["n".repeat(63), `${"n".repeat(26)}-${uuid}`],
  ] as const) {
    const long = { ...greeter, service: name, id: `${name}-${uuid}` };
    kratos.check(long);
    const { labels, annotations } = kratos.announce([long]) as Pick<PodText, "labels" | "annotations">;
    expect(labels["kratos-service-id"]).toBe(told);
    expect(kratos.selector(long)).toBe(`kratos-service-id=${told}`);
    expect(kratos.without({ ...empty, labels, annotations }, long)).toBeDefined();
  }
});

test("each container's port is an address, by the annotation's scheme, the port's name, or TCP", () => {
  const ports = [
    { name: "web", port: 7212 },
    { name: "x", port: 7211 },
    { name: "metrics-port", port: 9999 },
    { name: "", port: 9998 },
  ];
  expect(read({ ports })).toEqual([
    {
      id: "greeter-id-1",
      service: "greeter",
      version: "v1.0.0",
      address: "10.0.0.7:7211",
      metadata: { region: "sh" },
      protocols: {
        http: "10.0.0.7:7212",
        grpc: "10.0.0.7:7211",
        metrics: "10.0.0.7:9999",
        TCP: "10.0.0.7:9998",
      },
      namespace: "go-micro",
    },
  ]);
});

test("an IPv6 pod has its address in brackets, and without gRPC its HTTP port counts", () => {
  const annotations = { "kratos-service-metadata": "", "kratos-service-protocols": "null" };
  const [one] = read({ ip: "fd00::7", annotations, ports: [{ name: "http-web", port: 80 }] });
  expect([one?.address, one?.protocols]).toEqual(["[fd00::7]:80", { http: "[fd00::7]:80" }]);
});

test("the fork's labels of a pod template are read, with their line breaks", () => {
  const pod: PodText = {
    ...empty,
    labels: {
      "gomicro-service-id": "0001.go-micro.admin-srv",
      "gomicro-service-app": "go-micro.admin-srv",
      "gomicro-service-version": "v1.0.0",
    },
    annotations: {
      "gomicro-service-protocols": '{"8080": "http", "9090": "grpc"}\n',
      "gomicro-service-metadata": '{"region": "sh", "zone": "sh001", "cluster": "pd"}\n',
    },
    ports: [
      { name: "http-port", port: 8080 },
      { name: "grpc-port", port: 9090 },
    ],
  };
  const [one] = kratosForm("gomicro").read(pod, () => {}, sharing());
  expect([one?.service, one?.address, one?.protocols?.http]).toEqual([
    "go-micro.admin-srv",
    "10.0.0.7:9090",
    "10.0.0.7:8080",
  ]);
  expect(one?.metadata).toEqual({ region: "sh", zone: "sh001", cluster: "pd" });
  expect(kratos.read(pod, () => {}, sharing())).toEqual([]);
});

test("what was withdrawn is not there", () => {
  const labels = kratos.withdraw(greeter).labels as Record<string, string>;
  expect(read({ labels })).toEqual([]);
  expect(isWithdrawn(labels)).toBe(true);
  expect(isWithdrawn({ ...labels, "gomicro-service-app": "a" })).toBe(false);
  expect(isWithdrawn({ app: "greeter" })).toBe(false);
});

test("a broken annotation is told by its key", () => {
  for (const [name, text, why] of [
    ["metadata", "{", "it is not JSON"],
    ["protocols", '{"80":7}', "protocols.80 is not a string"],
    ["protocols", "[1]", "it is not an object"],
  ] as const) {
    const told: string[] = [];
    const annotations = { [`kratos-service-${name}`]: text };
    expect(read({ annotations }, (key, what) => told.push(`${key}: ${what}`))).toEqual([]);
    expect(told).toEqual([`kratos-service-${name}: ${why}`]);
  }
});

test("a port that the pod does not declare is what others cannot see", () => {
  expect(kratos.unseen({ ...empty, ports: [{ name: "", port: 7211 }] }, greeter)).toContain("port 7212");
  const ports = [
    { name: "", port: 7211 },
    { name: "", port: 7212 },
  ];
  expect(kratos.unseen({ ...empty, ports }, greeter)).toBeUndefined();
});

test("only the pod that bears the id is cleared for another process", () => {
  const { labels, annotations } = kratos.announce([greeter]) as Pick<PodText, "labels" | "annotations">;
  const pod = { ...empty, labels, annotations };
  expect(kratos.without(pod, greeter)).toEqual(kratos.withdraw(greeter));
  expect(kratos.without(pod, { ...greeter, id: "other" })).toBeUndefined();
});

const empty: PodText = {
  name: "greeter-0",
  namespace: "go-micro",
  ip: "10.0.0.7",
  labels: {},
  annotations: {},
  ports: [],
};

function read(pod: Partial<PodText>, broken: (key: string, why: string) => void = () => {}) {
  const { labels, annotations } = kratos.announce([greeter]) as Pick<PodText, "labels" | "annotations">;
  const text = { ...empty, labels, annotations, ports: [{ name: "grpc", port: 7211 }], ...pod };
  return kratos.read(text, broken, sharing());
}
