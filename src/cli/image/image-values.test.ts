import { expect, test } from "bun:test";
import { outputForm, ownAnnotations, readContainer, readReferences, readSeconds } from "./image-values.ts";

const container = {
  user: "65532:65532",
  expose: ["8080"],
  env: {},
  label: {},
  annotation: {},
  compression: "gzip",
  sbom: true,
};

test("ports are of TCP unless they say otherwise", () => {
  const { ports } = readContainer({ ...container, expose: ["8080", "53/udp", "9090/tcp"] });
  expect(ports).toEqual(["8080/tcp", "53/udp", "9090/tcp"]);
  for (const wrong of ["0", "65536", "http", "80/sctp", "-1"])
    expect(() => readContainer({ ...container, expose: [wrong] })).toThrow(`--expose=${wrong}: not a port`);
});

test("users are numbers, as what checks for root cannot look names up", () => {
  expect(readContainer({ ...container, user: "1000:0" }).user).toBe("1000:0");
  for (const wrong of ["nobody", "1:", ":1", "1:2:3"])
    expect(() => readContainer({ ...container, user: wrong })).toThrow("not a number");
});

test("a user alone is not of the group of root, and no number is more than a runtime takes", () => {
  expect(readContainer({ ...container, user: "1000" }).user).toBe("1000:1000");
  for (const wrong of ["99999999999:1", "1:2147483648"])
    expect(() => readContainer({ ...container, user: wrong })).toThrow("more than 2147483647");
});

test("SOURCE_DATE_EPOCH is a whole number of seconds, and empty as good as unset", () => {
  expect(readSeconds({ SOURCE_DATE_EPOCH: "1700000000" })).toBe(1_700_000_000);
  expect(readSeconds({ SOURCE_DATE_EPOCH: "" })).toBeUndefined();
  for (const wrong of ["-1", "1.5", "now", "99999999999999"])
    expect(() => readSeconds({ SOURCE_DATE_EPOCH: wrong })).toThrow("not seconds since 1970");
});

test("a name without a tag is latest, and what is only written may go without a name", () => {
  const naming = { command: "image", isPushed: true };
  const [named] = readReferences(["localhost:5000/a/b"], "./greeter.ts", naming);
  expect(named).toEqual({ registry: "localhost:5000", repository: "a/b", tag: "latest" });
  const [nameless] = readReferences([], "./My Service_.ts", { ...naming, isPushed: false });
  expect(nameless).toEqual({ registry: "docker.io", repository: "library/my-service", tag: "latest" });
  expect(() => readReferences([], "./greeter.ts", naming)).toThrow("where to push the image is not said");
  expect(() => readReferences([`a@sha256:${"0".repeat(64)}`], "./greeter.ts", naming)).toThrow(
    "the digest is known when the image is made",
  );
});

test("a folder becomes a layout, all else an archive", async () => {
  expect((await outputForm("greeter.tar")).form).toBe("archive");
  expect((await outputForm("none-yet/")).form).toBe("layout");
  expect((await outputForm(import.meta.dir)).form).toBe("layout");
});

test("a date and a version are annotations only where they are known", () => {
  expect(ownAnnotations({ name: "greeter" }, undefined)).toEqual({
    "org.opencontainers.image.title": "greeter",
  });
  expect(ownAnnotations({ name: "greeter", version: "1.2.3" }, 0)).toEqual({
    "org.opencontainers.image.title": "greeter",
    "org.opencontainers.image.version": "1.2.3",
    "org.opencontainers.image.created": "1970-01-01T00:00:00.000Z",
  });
});
