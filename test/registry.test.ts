/** The client of registries against a real one, with a relay between them that breaks things. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RegistryOptions, registryClient } from "../src/distribution/client.ts";
import { fallbackTag } from "../src/distribution/referrers.ts";
import { chunkBytes } from "../src/distribution/upload-chunk.ts";
import { MicrorunError } from "../src/errors.ts";
import { parseReference } from "../src/image-reference.ts";
import { createLog } from "../src/log.ts";
import { type Artifact, type Content, content, jsonContent, mediaTypes } from "../src/oci.ts";
import { makeAuthority } from "./certificate.ts";
import { crane, type OciRegistry, registryBinaries, startRegistry } from "./oci-registry.ts";
import { type Fault, type FaultProxy, faultProxy, type Seen } from "./registry-faults.ts";
import { tokenServer } from "./token-server.ts";

const binaries = await registryBinaries();
const amd64 = { os: "linux", architecture: "amd64" };
const arm64 = { os: "linux", architecture: "arm64" };
const folders: string[] = [];
let registry: OciRegistry;
let proxy: FaultProxy;

beforeAll(async () => {
  if (binaries === undefined) return;
  registry = await startRegistry(binaries.registry);
  proxy = await faultProxy(registry.port);
});
afterAll(async () => {
  await proxy?.[Symbol.asyncDispose]();
  await registry?.[Symbol.asyncDispose]();
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

async function scratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "microrun-registry-client-"));
  folders.push(folder);
  return folder;
}

/** A client with a cache of its own. */
async function client(options: Partial<RegistryOptions> = {}) {
  const folder = await scratch();
  return registryClient({
    env: { HOME: folder },
    signal: AbortSignal.timeout(60_000),
    cacheFolder: join(folder, "blobs"),
    ...options,
  });
}

function bytes(length: number): Uint8Array<ArrayBuffer> {
  const made = new Uint8Array(length);
  for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(made.subarray(at, at + 65_536));
  return made;
}

const layerType = `${mediaTypes.layer}+gzip`;

function gzipLayer(length: number): { readonly layer: Content; readonly diffId: string } {
  // crane looks into layers: they have to be what they say; a tar of nothing but its end and noise after it
  const tar = new Uint8Array(1024 + length);
  tar.set(bytes(length), 1024);
  const diffId = `sha256:${new Bun.CryptoHasher("sha256").update(tar).digest("hex")}`;
  return { layer: content(layerType, Bun.gzipSync(tar, { level: 1 })), diffId };
}

/** An image of one layer of about that many bytes. */
function image(length: number, platform = amd64, made = gzipLayer(length)): Artifact {
  const { layer, diffId } = made;
  const config = jsonContent(mediaTypes.config, {
    ...platform,
    config: {},
    rootfs: { type: "layers", diff_ids: [diffId] },
  });
  const manifest = jsonContent(mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: config.descriptor,
    layers: [layer.descriptor],
  });
  return { root: manifest.descriptor, contents: [layer, config, manifest] };
}

function index(...images: readonly (readonly [Artifact, typeof amd64])[]): Artifact {
  const manifests = images.map(([{ root }, platform]) => ({ ...root, platform }));
  const root = jsonContent(mediaTypes.index, { schemaVersion: 2, mediaType: mediaTypes.index, manifests });
  return { root: root.descriptor, contents: [...images.flatMap(([{ contents }]) => contents), root] };
}

const sizeOf = ({ contents }: Artifact) => contents.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
const layerOf = ({ contents }: Artifact) => contents[0]!.descriptor;

async function same(one: Artifact, other: Artifact): Promise<boolean> {
  if (one.root.digest !== other.root.digest || one.contents.length !== other.contents.length) return false;
  for (const { descriptor, blob } of one.contents) {
    const found = other.contents.find((content) => content.descriptor.digest === descriptor.digest);
    if (found === undefined) return false;
    if (!Buffer.from(await blob.arrayBuffer()).equals(Buffer.from(await found.blob.arrayBuffer())))
      return false;
  }
  return true;
}

async function failure(work: Promise<unknown>): Promise<MicrorunError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(MicrorunError);
  return error as MicrorunError;
}

/** Only the first that it is asked about. */
function once(matches: (seen: Seen) => boolean, fault: Fault): (seen: Seen) => Fault | undefined {
  let left = 1;
  return (seen) => (matches(seen) && left-- > 0 ? fault : undefined);
}

describe.skipIf(binaries === undefined)("a registry", () => {
  const craneBinary = binaries?.crane ?? "";
  let names = 0;
  const name = (host: string = registry.host) => parseReference(`${host}/team/app-${++names}:v1`);

  test("gives back byte for byte what was pushed, and crane finds it whole", async () => {
    const reference = name();
    const pushed = image(2 * chunkBytes + 123_456);
    const steps: number[] = [];
    const sent = await (await client()).push(reference, pushed, {
      progress: ({ what, done }) => what.includes(layerOf(pushed).digest.slice(7, 19)) && steps.push(done),
    });
    expect(sent).toEqual({
      digest: pushed.root.digest,
      sentBytes: sizeOf(pushed) + pushed.root.size,
      present: 0,
      mounted: 0,
    });
    expect(steps.slice(0, 2)).toEqual([chunkBytes, 2 * chunkBytes]);
    expect(steps.at(-1)).toBe(layerOf(pushed).size);
    expect(await same(pushed, await (await client()).pull(reference))).toBe(true);
    const { registry: host, repository } = reference;
    const valid = await crane(craneBinary, ["validate", "--remote", `${host}/${repository}:v1`]);
    expect(valid.stderr + valid.stdout).toContain("PASS");
    expect((await crane(craneBinary, ["digest", `${host}/${repository}:v1`])).stdout.trim()).toBe(
      pushed.root.digest,
    );
  });

  test("is sent nothing that it has", async () => {
    const reference = name();
    const pushed = image(50_000);
    await (await client()).push(reference, pushed);
    expect(await (await client()).push(reference, pushed)).toMatchObject({
      sentBytes: 0,
      present: 3,
      mounted: 0,
    });
  });

  test("mounts what another repository of it has", async () => {
    const [from, to] = [name(), name()];
    const pushed = image(50_000);
    await (await client()).push(from, pushed);
    const [layer, ...rest] = pushed.contents;
    const mounted = { ...pushed, contents: [{ ...layer!, mountFrom: from.repository }, ...rest] };
    const sent = await (await client()).push(to, mounted);
    expect(sent).toMatchObject({
      mounted: 1,
      sentBytes: sizeOf(pushed) - layer!.descriptor.size + pushed.root.size,
    });
    expect(await same(pushed, await (await client()).pull(to))).toBe(true);
  });

  test("is sent a layer whose mount it cannot do", async () => {
    const pushed = image(5000);
    const [layer, ...rest] = pushed.contents;
    const reference = name();
    const sent = await (await client()).push(reference, {
      ...pushed,
      contents: [{ ...layer!, mountFrom: "nobody/nothing" }, ...rest],
    });
    expect(sent).toMatchObject({ mounted: 0, sentBytes: sizeOf(pushed) + pushed.root.size });
  });

  test("is sent a layer that may not be mounted", async () => {
    const pushed = image(5000);
    const contents = pushed.contents.map((one) => ({ ...one, mountFrom: "somebody/else" }));
    proxy.rule(once(({ method }) => method === "POST", { status: 403 }));
    const sent = await (await client()).push(name(proxy.host), { ...pushed, contents });
    expect(sent.sentBytes).toBe(sizeOf(pushed) + pushed.root.size);
  });

  test("gives one platform of an index, or all of them", async () => {
    const reference = name();
    const [amd, arm] = [image(1000), image(2000, arm64)];
    const both = index([amd, amd64], [arm, arm64]);
    await (await client()).push(reference, both, { tags: ["v1", "v2"] });
    const puller = await client();
    const pulled = await puller.pull(reference, arm64);
    expect(pulled.root).toMatchObject({ digest: arm.root.digest, platform: arm64 });
    expect(await same(arm, pulled)).toBe(true);
    expect(await same(both, await puller.pull({ ...reference, tag: "v2" }))).toBe(true);
    const error = await failure(puller.pull(reference, { os: "linux", architecture: "riscv64" }));
    expect(error.code).toBe("not_found");
    expect(error.message).toEndWith("not there for linux/riscv64, only for linux/amd64, linux/arm64");
    await (await client()).push({ ...reference, tag: "arm" }, arm);
    expect((await failure(puller.pull({ ...reference, tag: "arm" }, amd64))).message).toContain(
      "only for linux/arm64",
    );
  });

  test("is not asked for what the cache has, not even for the manifest of a digest", async () => {
    const reference = name();
    const pushed = image(1000);
    await (await client()).push(reference, pushed);
    proxy.rule(() => undefined);
    const puller = await client();
    const through = parseReference(`${proxy.host}/${reference.repository}@${pushed.root.digest}`);
    await puller.pull(through);
    const first = proxy.seen.filter(({ path }) => path.includes("/blobs/")).length;
    expect(first).toBe(2);
    proxy.rule(() => ({ status: 503 }));
    expect(await same(pushed, await puller.pull(through))).toBe(true);
    expect(proxy.seen).toEqual([]);
  });

  test("is asked anew for what is damaged in the cache", async () => {
    const reference = name();
    const pushed = image(1000);
    await (await client()).push(reference, pushed);
    const cacheFolder = await scratch();
    const puller = await client({ cacheFolder });
    await puller.pull(reference);
    const { digest, size } = layerOf(pushed);
    await writeFile(join(cacheFolder, digest.replace(":", "/")), bytes(size));
    expect(await same(pushed, await puller.pull(reference))).toBe(true);
  });

  test("is not asked for the layers of an image that is for another platform", async () => {
    const reference = name(proxy.host);
    const pushed = image(1000, arm64);
    await (await client()).push({ ...reference, registry: registry.host }, pushed);
    proxy.rule(() => undefined);
    await failure((await client()).pull(reference, amd64));
    expect(proxy.seen.some(({ path }) => path.includes("/manifests/"))).toBe(true);
    expect(proxy.seen.some(({ path }) => path.endsWith(layerOf(pushed).digest))).toBe(false);
  });

  test("that is not there, an image that is not, are told", async () => {
    const missing = await failure((await client()).pull(name()));
    expect([missing.code, missing.message]).toEqual([
      "not_found",
      expect.stringMatching(/^cannot pull 127\.0\.0\.1:\d+\/team\/app-\d+:v1: /),
    ]);
    const nobody = await failure((await client()).pull(parseReference("127.0.0.1:1/a/b")));
    expect([nobody.code, nobody.message]).toEqual([
      "unavailable",
      "cannot reach 127.0.0.1:1: connection refused",
    ]);
  });

  test("without a list of referrers gets one as a tag, once for each referrer", async () => {
    const reference = name();
    const subject = image(1000);
    const referrer = (text: string): Artifact => {
      const layer = content(mediaTypes.sbom, new TextEncoder().encode(text));
      const empty = jsonContent(mediaTypes.empty, {});
      const manifest = jsonContent(mediaTypes.manifest, {
        schemaVersion: 2,
        mediaType: mediaTypes.manifest,
        artifactType: mediaTypes.sbom,
        config: empty.descriptor,
        layers: [layer.descriptor],
        subject: subject.root,
        annotations: { made: text },
      });
      return { root: manifest.descriptor, contents: [layer, empty, manifest] };
    };
    await (await client()).push(reference, subject);
    const [one, two] = [referrer("one"), referrer("two")];
    for (const artifact of [one, two, one]) {
      await (await client()).push({ ...reference, digest: artifact.root.digest }, artifact, { tags: [] });
    }
    expect(await (await client()).push(reference, two, { tags: [] })).toMatchObject({ sentBytes: 0 });
    const { registry: host, repository } = reference;
    const list = await crane(craneBinary, [
      "manifest",
      `${host}/${repository}:${fallbackTag(subject.root.digest)}`,
    ]);
    expect(JSON.parse(list.stdout).manifests).toEqual(
      [one, two].map(({ root }, at) => ({
        ...root,
        artifactType: mediaTypes.sbom,
        annotations: { made: ["one", "two"][at] },
      })),
    );
  });

  test("with relative locations is pushed to", async () => {
    await using relative = await startRegistry(binaries!.registry, { relativeLocations: true });
    const reference = name(relative.host);
    const pushed = image(chunkBytes + 1000);
    await (await client()).push(reference, pushed);
    expect(await same(pushed, await (await client()).pull(reference))).toBe(true);
  });

  describe("behind a line that fails", () => {
    beforeEach(() => proxy.rule(() => undefined));
    const isChunk = ({ method }: Seen) => method === "PATCH";

    test("is sent the rest alone after a break midway", async () => {
      const reference = name(proxy.host);
      const pushed = image(3 * chunkBytes);
      let chunks = 0;
      proxy.rule(({ method }) =>
        method === "PATCH" && ++chunks === 2 ? { cutRequestAfter: chunkBytes / 2 } : undefined,
      );
      await (await client()).push(reference, pushed);
      const patches = proxy.seen.filter(isChunk);
      const { size } = layerOf(pushed);
      const sent = patches.reduce((sum, { received }) => sum + received, 0);
      expect(patches.map(({ headers }) => headers["content-range"])[0]).toBe(`0-${chunkBytes - 1}`);
      // the broken chunk at most goes out twice
      expect(sent).toBeGreaterThanOrEqual(size);
      expect(sent).toBeLessThanOrEqual(size + chunkBytes);
      expect(await same(pushed, await (await client()).pull(atOnce(reference)))).toBe(true);
    });

    test("is not sent again what came while its answer was lost", async () => {
      const reference = name(proxy.host);
      const pushed = image(2 * chunkBytes);
      proxy.rule(once(isChunk, { loseAnswer: true }));
      await (await client()).push(reference, pushed);
      expect(proxy.seen.filter(isChunk).reduce((sum, { received }) => sum + received, 0)).toBe(
        layerOf(pushed).size,
      );
      const small = image(1000);
      proxy.rule(
        once(({ method, path }) => method === "PUT" && path.includes("/blobs/"), {
          loseAnswer: true,
        }),
      );
      await (await client()).push(reference, small);
      // Bun itself may send a request again whose kept-alive connection broke: no upload is begun anew though
      expect(proxy.seen.filter(({ method }) => method === "POST")).toHaveLength(2);
      expect(await same(small, await (await client()).pull(atOnce(reference)))).toBe(true);
    });

    test("is asked anew when it forgets an upload, though not for ever", async () => {
      const pushed = image(chunkBytes + 1000);
      const lost = { status: 404, body: '{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}' };
      proxy.rule(once(isChunk, lost));
      await (await client()).push(name(proxy.host), pushed);
      proxy.rule((seen) => (isChunk(seen) ? lost : undefined));
      const error = await failure((await client()).push(name(proxy.host), pushed));
      expect(error.message).toContain("forgets its uploads");
    });

    test("gives the rest alone after a break midway", async () => {
      const reference = name(proxy.host);
      const pushed = image(4_000_000);
      await (await client()).push(reference, pushed);
      const blob = `/blobs/${layerOf(pushed).digest}`;
      proxy.rule(once(({ path }) => path.endsWith(blob), { cutAnswerAfter: 3_000_000 }));
      expect(await same(pushed, await (await client()).pull(reference))).toBe(true);
      const [first, second, ...more] = proxy.seen.filter(({ path }) => path.endsWith(blob));
      expect([first?.headers.range, more.length]).toEqual([undefined, 0]);
      const [, from] = /^bytes=(\d+)-\d+$/.exec(String(second?.headers.range)) ?? [];
      expect(Number(from)).toBeGreaterThan(1_000_000);
    });

    test("is left alone as long as it says, then asked again", async () => {
      const reference = name(proxy.host);
      const pushed = image(1000);
      const busy = { status: 429, headers: { "retry-after": "1" } };
      proxy.rule(once(({ method }) => method === "PUT", busy));
      const start = performance.now();
      await (await client()).push(reference, pushed);
      expect(performance.now() - start).toBeGreaterThan(1000);
      proxy.rule(once(({ path }) => path.includes("/manifests/"), { status: 503 }));
      expect(await same(pushed, await (await client()).pull(reference))).toBe(true);
      const hours = {
        status: 429,
        headers: { "retry-after": "7200" },
        body: '{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}',
      };
      proxy.rule(() => hours);
      const error = await failure((await client()).pull(reference));
      expect(error.code).toBe("resource_exhausted");
      expect(error.message).toContain("again in 7200 s (TOOMANYREQUESTS: slow down)");
    });

    test("that spoils bytes is found out, and nothing of it is kept", async () => {
      const reference = name(proxy.host);
      const pushed = image(100_000);
      await (await client()).push(reference, pushed);
      const cacheFolder = await scratch();
      const puller = await client({ cacheFolder });
      proxy.rule(({ path }) => (path.includes(layerOf(pushed).digest) ? { spoil: true } : undefined));
      const blob = await failure(puller.pull(reference));
      expect([blob.code, blob.message]).toEqual([
        "data_loss",
        `blob ${layerOf(pushed).digest}: other bytes came`,
      ]);
      const kept = await readdir(join(cacheFolder, "sha256"));
      expect(kept.filter((file) => file.endsWith(".tmp") || layerOf(pushed).digest.endsWith(file))).toEqual(
        [],
      );
      proxy.rule(({ path }) => (path.includes("/manifests/") ? { spoil: true } : undefined));
      const manifest = await failure((await client()).pull(reference));
      expect([manifest.code, manifest.message]).toEqual([
        "data_loss",
        expect.stringContaining(`is not ${pushed.root.digest}`),
      ]);
      const other = await new Response(image(10).contents.at(-1)!.blob).text();
      proxy.rule(({ path }) =>
        path.includes("/manifests/")
          ? { status: 200, body: other, headers: { "content-type": mediaTypes.manifest } }
          : undefined,
      );
      const byDigest = { ...reference, digest: pushed.root.digest };
      expect((await failure((await client()).pull(byDigest))).message).toEndWith(
        `is not ${pushed.root.digest}`,
      );
    });

    test("that is a page of somebody else is told, and nothing counts as pushed", async () => {
      const page = { status: 200, headers: { "content-type": "text/html; charset=utf-8" }, body: "<html>" };
      proxy.rule(() => page);
      const reference = name(proxy.host);
      for (const work of [(await client()).pull(reference), (await client()).push(reference, image(10))]) {
        const error = await failure(work);
        expect(error.code).toBe("failed_precondition");
        expect(error.message).toEndWith(`${proxy.host} answers with a web page`);
        expect(error.hint).toContain("network");
      }
    });

    test("that refuses a push is quoted, though a HEAD has no words", async () => {
      const body = '{"errors":[{"code":"DENIED","message":"quota of team is used up"}]}';
      proxy.rule(() => ({ status: 403, headers: { "content-type": "application/json" }, body }));
      const error = await failure((await client()).push(name(proxy.host), image(10)));
      expect(error.message).toContain("quota of team is used up");
    });

    test("is not tried for ever", async () => {
      proxy.rule(() => ({ status: 500 }));
      const error = await failure((await client()).pull(name(proxy.host)));
      expect([error.code, error.message]).toEqual(["unavailable", expect.stringContaining("answers 500")]);
      expect(proxy.seen.length).toBeLessThan(10);
    }, 30_000);

    test("is left at once when the client is stopped", async () => {
      proxy.rule(() => ({ status: 429, headers: { "retry-after": "60" } }));
      const stop = new AbortController();
      const work = (await client({ signal: stop.signal })).pull(name(proxy.host));
      setTimeout(() => stop.abort(), 100);
      const start = performance.now();
      expect((await failure(work)).code).toBe("cancelled");
      expect(performance.now() - start).toBeLessThan(5000);
    });

    /** Past the relay. */
    const atOnce = (reference: ReturnType<typeof parseReference>) => ({
      ...reference,
      registry: registry.host,
    });
  });

  describe("with logins", () => {
    const secret = "pa:ss word";

    async function dockerConfig(value: object): Promise<Record<string, string>> {
      const folder = await scratch();
      await writeFile(join(folder, "config.json"), JSON.stringify(value));
      return { DOCKER_CONFIG: folder, HOME: folder, PATH: `${folder}:${process.env.PATH}` };
    }

    test("takes a name and a password from docker's file, podman's file or a helper, and logs none of it", async () => {
      await using locked = await startRegistry(binaries!.registry, { basic: { user: secret } });
      const reference = name(locked.host);
      const pushed = image(chunkBytes + 5);
      const auth = btoa(`user:${secret}`);
      const lines: string[] = [];
      const log = createLog({ level: "debug", write: (line) => lines.push(line) });
      const env = await dockerConfig({ auths: { [locked.host]: { auth } } });
      await (await client({ env, log })).push(reference, pushed);
      expect(lines.length).toBeGreaterThan(5);
      expect(lines.join("\n")).not.toMatch(new RegExp(`${secret}|${auth}|Basic`));

      const podman = await scratch();
      await mkdir(join(podman, "containers"));
      await writeFile(
        join(podman, "containers/auth.json"),
        JSON.stringify({ auths: { [`${locked.host}/team`]: { auth } } }),
      );
      expect(
        await same(pushed, await (await client({ env: { XDG_RUNTIME_DIR: podman } })).pull(reference)),
      ).toBe(true);

      const helped = await dockerConfig({ credHelpers: { [locked.host]: "tests" } });
      const helper = join(helped.HOME!, "docker-credential-tests");
      await writeFile(
        helper,
        `#!/bin/sh\nread server\n[ "$1 $server" = "get ${locked.host}" ] && printf '{"Username":"user","Secret":"${secret}"}'\n`,
      );
      await chmod(helper, 0o755);
      expect(await same(pushed, await (await client({ env: helped })).pull(reference))).toBe(true);

      const unknown = await dockerConfig({ credsStore: "tests" });
      await writeFile(
        join(unknown.HOME!, "docker-credential-tests"),
        "#!/bin/sh\necho credentials not found in native keychain\nexit 1\n",
      );
      await chmod(join(unknown.HOME!, "docker-credential-tests"), 0o755);
      const warned: string[] = [];
      const warner = createLog({ write: (line) => warned.push(line) });
      for (const wrong of [
        unknown,
        {},
        await dockerConfig({ auths: { [locked.host]: { auth: btoa("user:no") } } }),
      ]) {
        const error = await failure((await client({ env: wrong, log: warner })).pull(reference));
        expect([error.code, error.hint]).toEqual(["unauthenticated", `log in: docker login ${locked.host}`]);
      }
      expect(warned).toEqual([]);
      const broken = await dockerConfig({ credsStore: "not-there" });
      await failure((await client({ env: broken, log: warner })).pull(reference));
      expect(warned.join()).toContain("docker-credential-not-there");
    });

    test("by tokens gives each what it may do, and a new one when one is refused midway", async () => {
      const authority = makeAuthority();
      const signer = authority.issue({ name: "token signer" });
      await using tokens = tokenServer({ signer, user: "user", password: secret, refreshToken: "r3fresh" });
      await using locked = await startRegistry(binaries!.registry, {
        token: { realm: tokens.realm, ca: authority.cert },
      });
      await using relay = await faultProxy(locked.port);
      const reference = name(relay.host);
      const env = await dockerConfig({ auths: { [relay.host]: { auth: btoa(`user:${secret}`) } } });
      const pushed = image(2 * chunkBytes);
      // as after the end of a token's life
      let chunks = 0;
      relay.rule(({ method }) =>
        method === "PATCH" && ++chunks === 2
          ? {
              status: 401,
              headers: { "www-authenticate": `Bearer realm="${tokens.realm}",service="registry.test"` },
            }
          : undefined,
      );
      await (await client({ env })).push(reference, pushed);
      expect(tokens.asked.map(({ method }) => method)).toEqual(["GET", "GET"]);
      expect(tokens.asked[0]?.scopes).toEqual([`repository:${reference.repository}:pull,push`]);
      expect(relay.seen.filter(({ method }) => method === "PATCH").length).toBe(4);

      expect(await same(pushed, await (await client()).pull(reference))).toBe(true);
      expect(tokens.asked.at(-1)).toMatchObject({
        authorization: null,
        scopes: [`repository:${reference.repository}:pull`],
      });

      const denied = await failure((await client()).push(reference, image(10)));
      expect(denied.code).toBe("unauthenticated");
      expect(denied.hint).toContain(`docker login ${relay.host}`);

      const identity = await dockerConfig({ auths: { [relay.host]: { identitytoken: "r3fresh" } } });
      const [to, mounted] = [name(relay.host), image(1000)];
      await (await client({ env: identity })).push(reference, mounted);
      const [layer, ...rest] = mounted.contents;
      const sent = await (await client({ env: identity })).push(to, {
        ...mounted,
        contents: [{ ...layer!, mountFrom: reference.repository }, ...rest],
      });
      expect(sent.mounted).toBe(1);
      expect(tokens.asked.at(-1)).toMatchObject({
        method: "POST",
        refreshToken: "r3fresh",
        scopes: [`repository:${to.repository}:pull,push`, `repository:${reference.repository}:pull`],
      });

      const wrong = await dockerConfig({ auths: { [relay.host]: { identitytoken: "old" } } });
      const refused = await failure((await client({ env: wrong })).pull(reference));
      expect(refused.message).toBe(`cannot log in to ${relay.host}: its token server answers 401`);
    });

    test("keeps them from other hosts that it redirects to", async () => {
      await using locked = await startRegistry(binaries!.registry, { basic: { user: secret } });
      await using relay = await faultProxy(locked.port);
      const reference = name(relay.host);
      const env = await dockerConfig({ auths: { [relay.host]: { auth: btoa(`user:${secret}`) } } });
      const pushed = image(1000);
      await (await client({ env })).push(reference, pushed);
      const got: (string | null)[] = [];
      using store = Bun.serve({
        port: 0,
        hostname: "127.0.0.1",
        fetch: (request) => {
          got.push(request.headers.get("authorization"));
          return new Response(pushed.contents[0]!.blob);
        },
      });
      relay.rule(({ path }) =>
        path.endsWith(layerOf(pushed).digest)
          ? { status: 307, headers: { location: `http://127.0.0.1:${store.port}/x` } }
          : undefined,
      );
      expect(await same(pushed, await (await client({ env })).pull(reference))).toBe(true);
      expect(got).toEqual([null]);
    });
  });

  test("with TLS is believed by its authority alone, or when told to", async () => {
    const authority = makeAuthority();
    await using secure = await startRegistry(binaries!.registry, {
      tls: authority.issue({ name: "registry" }),
    });
    const reference = name(secure.host);
    const pushed = image(1000);
    await (await client({ ca: authority.cert })).push(reference, pushed);
    expect(await same(pushed, await (await client({ insecure: true })).pull(reference))).toBe(true);
    const unknown = await failure((await client()).pull(reference));
    expect(unknown.message).toBe(
      `cannot trust ${secure.host}: its certificate is signed by an authority that this machine does not know`,
    );
    expect(unknown.hint).toBe("give the authority's certificate by --registry_ca FILE");
    await using elsewhere = await startRegistry(binaries!.registry, {
      tls: authority.issue({ name: "registry", hosts: ["registry.example"] }),
    });
    const other = await failure((await client({ ca: authority.cert })).pull(name(elsewhere.host)));
    expect(other.message).toBe(`cannot trust ${elsewhere.host}: its certificate is for another host`);
  });

  describe.each(["source", "compiled"])("as a program, %s", (form) => {
    const driver = join(import.meta.dir, "registry-driver.ts");
    let command: readonly string[] = [process.execPath, "--no-install", driver];

    beforeAll(async () => {
      if (form === "source") return;
      const outfile = join(await scratch(), "driver");
      const built = await Bun.build({ entrypoints: [driver], compile: { outfile } });
      expect(built.success).toBe(true);
      command = [outfile];
    });

    async function run(reference: string, env: Record<string, string>) {
      const child = Bun.spawn([...command, reference, await scratch()], {
        env: { PATH: process.env.PATH ?? "", HOME: await scratch(), ...env },
        stdout: "pipe",
        stderr: "pipe",
      });
      const [said, wrong] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
      ]);
      return { said: said.trim(), wrong, code: await child.exited };
    }

    test("goes through the proxy of the environment, though not to this machine", async () => {
      const reference = name();
      const pushed = image(1000);
      await (await client()).push(reference, pushed);
      proxy.rule(() => undefined);
      const env = { HTTP_PROXY: `http://${proxy.host}`, HTTPS_PROXY: `http://${proxy.host}` };
      const here = `${registry.host}/${reference.repository}:v1`;
      expect(await run(here, env)).toEqual({ said: pushed.root.digest, wrong: "", code: 0 });
      expect(proxy.seen).toHaveLength(0);
      const elsewhere = `registry.example/${reference.repository}:v1`;
      expect((await run(elsewhere, { ...env, INSECURE: "1" })).said).toBe(pushed.root.digest);
      expect(proxy.seen.some(({ headers }) => headers.host === "registry.example")).toBe(true);
      expect((await run(elsewhere, { ...env, NO_PROXY: "registry.example", INSECURE: "1" })).code).toBe(1);
    });

    test("believes an authority that it is given, and those of the machine", async () => {
      const authority = makeAuthority();
      await using secure = await startRegistry(binaries!.registry, {
        tls: authority.issue({ name: "registry" }),
      });
      const reference = name(secure.host);
      const pushed = image(1000);
      await (await client({ ca: authority.cert })).push(reference, pushed);
      const text = `${secure.host}/${reference.repository}:v1`;
      expect((await run(text, { REGISTRY_CA: authority.cert })).said).toBe(pushed.root.digest);
      const file = join(await scratch(), "ca.pem");
      await writeFile(file, authority.cert);
      expect((await run(text, { SSL_CERT_FILE: file })).said).toBe(pushed.root.digest);
      expect((await run(text, {})).wrong).toContain("by --registry_ca FILE");
    });
  });
});
