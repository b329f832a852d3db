/** `microrun build` for other platforms: where their Bun comes from, and registries that fail. */
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { platformOf } from "../src/build/executable-header.ts";
import { folder, greeter, microrun, type Outcome, targets } from "./harness.ts";

describe("a runtime from npm", () => {
  const target = targets.at(-1)!;
  const name = "@oven/bun-linux-arm64-musl".replace("arm64", "aarch64");
  const archive = () => new Bun.Archive({ "package/bin/bun": "#!/bin/sh\n" }, { compress: "gzip" }).bytes();
  const sha512 = (bytes: Uint8Array) =>
    `sha512-${new Bun.CryptoHasher("sha512").update(bytes).digest("base64")}`;

  /** The beginning of one, as far as it is looked at. */
  const bun = Buffer.concat([
    Buffer.from("7f454c460201010000000000000000000200b700", "hex"),
    Buffer.alloc(80),
    Buffer.from(`/lib/ld-musl-aarch64.so.1 Bun v${Bun.version} (linux)`),
  ]);

  interface Answer {
    readonly integrity?: string;
    readonly status?: number;
    /** Where it is said to lie. */
    readonly tarball?: string;
  }

  /** A registry as bad as it can be. @returns what the build says of it */
  async function buildFrom(
    { integrity, status, tarball }: Answer,
    npmrc = "",
  ): Promise<Outcome & { authorization: string[]; kept: string[] }> {
    const bytes = await archive();
    const authorization: string[] = [];
    using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch(request) {
        authorization.push(request.headers.get("authorization") ?? "");
        if (status !== undefined) return new Response("no", { status });
        if (request.url.endsWith(".tgz")) return new Response(bytes);
        const dist = {
          tarball: tarball ?? new URL("x.tgz", request.url).href,
          integrity: integrity ?? sha512(bytes),
        };
        return Response.json({ name, versions: { [Bun.version]: { dist } } });
      },
    });
    using place = folder({
      "greeter.ts": "export default { A: { b: () => ({}) } };",
      ".npmrc": npmrc.replaceAll("HOST", server.url.host),
    });
    const outcome = await microrun(target, ["build", "./greeter.ts", "--target=linux-arm64-musl"], {
      cwd: place.path,
      env: {
        HOME: place.path,
        XDG_CACHE_HOME: join(place.path, "cache"),
        ...(npmrc === "" ? { npm_config_registry: String(server.url) } : {}),
      },
    });
    const cache = join(place.path, "cache/microrun");
    return { ...outcome, authorization, kept: existsSync(cache) ? readdirSync(cache) : [] };
  }

  test("one whose hash is another is refused, and not kept", async () => {
    const { code, stderr, kept } = await buildFrom({ integrity: sha512(new Uint8Array([1])) });
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining("integrity hash is not the one that was promised"),
    ]);
    expect(kept).toEqual([]);
  });

  test("one that is no executable of the platform is refused, and not kept", async () => {
    const { code, stderr, kept } = await buildFrom({});
    expect([code, stderr]).toEqual([1, expect.stringContaining("is not for linux-arm64-musl")]);
    expect(kept).toEqual([]);
  });

  test("one in the cache that is not what it should be is fetched again", async () => {
    for (const [bytes, hash] of [
      ["", undefined],
      ["#!/bin/sh", undefined],
      [readFileSync(process.execPath).subarray(0, 70_000), undefined],
      [bun, "of what was put there"],
    ] as const) {
      using home = folder();
      mkdirSync(join(home.path, "microrun"));
      const cached = join(home.path, `microrun/bun-${Bun.version}-linux-arm64-musl`);
      writeFileSync(cached, bytes);
      if (hash !== undefined) writeFileSync(`${cached}.sha256`, hash);
      const { code, stderr } = await microrun(target, ["build", greeter, "--target=linux-arm64-musl"], {
        cwd: home.path,
        env: { XDG_CACHE_HOME: home.path, npm_config_registry: "http://127.0.0.1:9/" },
      });
      expect([code, stderr]).toEqual([1, expect.stringContaining("cannot fetch the runtime")]);
    }
  });

  test("one that was put there by hand is used, and told when it is not whole", async () => {
    using home = folder();
    mkdirSync(join(home.path, "microrun"));
    const cached = join(home.path, `microrun/bun-${Bun.version}-linux-arm64-musl`);
    writeFileSync(cached, bun);
    for (const more of [[], [`--runtime=${cached}`]]) {
      const { code, stderr } = await microrun(
        target,
        ["build", greeter, "--target=linux-arm64-musl", ...more],
        {
          cwd: home.path,
          env: { XDG_CACHE_HOME: home.path, npm_config_registry: "http://127.0.0.1:9/" },
        },
      );
      expect([code, stderr]).toEqual([
        1,
        expect.stringContaining(`cannot make an executable of ${cached}: it is not whole`),
      ]);
    }
  });

  test("a registry that refuses, lacks it or breaks off is told, with what to fetch and where to put it", async () => {
    using broken = Bun.listen({
      port: 0,
      hostname: "127.0.0.1",
      socket: { data: (socket) => void socket.end("HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\nsome") },
    });
    for (const [answer, why] of [
      [{ status: 401 }, "HTTP 401"],
      [{ status: 404 }, "HTTP 404"],
      [{ tarball: `http://127.0.0.1:${broken.port}/x.tgz` }, "x.tgz"],
    ] as const) {
      const { code, stderr } = await buildFrom(answer);
      expect([code, stderr], why).toEqual([1, expect.stringContaining(why)]);
      expect(stderr).toMatch(
        new RegExp(
          `hint: fetch http://\\S+/${name}/-/\\S+\\.tgz .* and put its package/bin/bun at \\S+/cache/microrun/bun-${Bun.version}-linux-arm64-musl, or name it by --runtime`,
        ),
      );
    }
  });

  test("the registry and the token of .npmrc are used", async () => {
    const npmrc = "registry=http://HOST/\n//HOST/:_authToken=t0ken\n";
    const { authorization, stderr } = await buildFrom({}, npmrc);
    expect(authorization).toEqual(["Bearer t0ken", "Bearer t0ken"]);
    expect(stderr).not.toContain("t0ken");
  });

  test("an executable for another libc is made of npm's Bun", async () => {
    using place = folder();
    using cache = folder();
    const cpu = process.arch === "arm64" ? "arm64" : "x64";
    const args = ["build", greeter, `--target=linux-${cpu}-musl`, "-o", "greeter"];
    const { code, stderr, stdout } = await microrun(target, args, {
      cwd: place.path,
      env: { XDG_CACHE_HOME: cache.path },
    });
    if (/cannot fetch/.test(stderr) && !process.env.CI)
      return console.warn("npm is not reachable: not tested");
    expect([code, stdout]).toEqual([0, expect.stringContaining(`linux-${cpu}-musl`)]);
    expect(stderr).toMatch(/^runtime linux-\S+-musl {2}\d+\.\d MB\n$/);
    expect(await platformOf(join(place.path, "greeter"))).toEqual({ os: "linux", arch: cpu, libc: "musl" });
    // the second time it is there
    const again = await microrun(target, args, {
      cwd: place.path,
      env: { XDG_CACHE_HOME: cache.path, npm_config_registry: "http://127.0.0.1:9/" },
    });
    expect([again.code, again.stderr]).toEqual([0, ""]);
  });
});
