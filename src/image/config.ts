/** The config of an image: how its container is started, and what it is made of. */
import type { Base } from "./base.ts";
import { sorted } from "./canonical.ts";
import type { Layer } from "./layer.ts";

export interface ImageFacts {
  /** `65532:65532` */
  readonly user: string;
  /** `8080/tcp` */
  readonly ports: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** Of the runtime. */
  readonly version: string;
}

interface Made {
  readonly facts: ImageFacts;
  readonly app: { readonly folder: string; readonly module: string; readonly proto: readonly string[] };
  readonly base: Base;
  readonly layers: readonly Layer[];
  readonly seconds: number;
}

/** Where the runtime lies in an image. */
export const runtimePath = "usr/local/bin/microrun";

const usualPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** As OCI's config.md has it; no variable of the machine that makes it goes in. */
export function imageConfig({ facts, app, base, layers, seconds }: Made): object {
  const created = new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
  const env = new Map([["PATH", usualPath]]);
  for (const text of base.env) {
    const equals = text.indexOf("=");
    env.set(text.slice(0, equals), text.slice(equals + 1));
  }
  for (const [name, value] of Object.entries(facts.env)) env.set(name, value);
  // what a base says of itself is not true of what stands on it
  const labels = Object.entries(base.labels).filter(
    ([name]) => !name.startsWith("org.opencontainers.image."),
  );
  const own = base.history === undefined ? layers : layers.filter(({ by }) => by !== "base");
  return {
    created,
    architecture: base.platform.architecture,
    os: base.platform.os,
    config: {
      User: facts.user,
      ExposedPorts: Object.fromEntries(facts.ports.map((port) => [port, {}])),
      Env: [...env].map(([name, value]) => `${name}=${value}`),
      // in full: PATH is the base's or the user's to set
      Entrypoint: [
        `/${runtimePath}`,
        `${app.folder}/${app.module}`,
        ...app.proto.map((path) => `--proto=${app.folder}/${path}`),
      ],
      WorkingDir: app.folder,
      Labels: sorted({ ...Object.fromEntries(labels), ...facts.labels }),
      StopSignal: "SIGTERM",
    },
    rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
    history: [
      ...(base.history ?? []),
      ...own.map(({ by }) => ({ created, created_by: `microrun ${facts.version}: ${by}` })),
    ],
  };
}
