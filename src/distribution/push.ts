/** An artifact to a registry: its blobs several at a time, its manifests children first, its tags last. */
import type { Artifact, Content } from "../oci.ts";
import type { Progress } from "../progress.ts";
import type { Pushed } from "./distribution.ts";
import { acceptedTypes, isManifest, parseManifest } from "./manifest.ts";
import { inParallel } from "./parallel.ts";
import { isPassing } from "./patience.ts";
import { addReferrer } from "./referrers.ts";
import type { Session } from "./session.ts";
import { uploadBlob } from "./upload.ts";

export interface PushOptions {
  readonly session: Session;
  readonly tags: readonly string[];
  readonly progress: Progress | undefined;
}

export async function push({ root, contents }: Artifact, options: PushOptions): Promise<Pushed> {
  const { session, tags, progress } = options;
  const counts = { sentBytes: 0, present: 0, mounted: 0 };
  const unique = [...new Map(contents.map((content) => [content.descriptor.digest, content])).values()];

  const blobs = unique.filter(({ descriptor }) => !isManifest(descriptor.mediaType));
  await inParallel(
    blobs,
    async (content) => {
      const { digest, size } = content.descriptor;
      const what = `layer ${digest.replace(/^\w+:(.{12}).*/, "$1")}`;
      const result = await uploadBlob(session, content, {
        done: (done) => progress?.({ what, done, total: size }),
        sent: (bytes) => {
          counts.sentBytes += bytes;
        },
      });
      if (result !== "sent") counts[result]++;
    },
    session.stop,
  );

  for (const content of unique.filter(({ descriptor }) => isManifest(descriptor.mediaType))) {
    const { digest } = content.descriptor;
    const bytes = await bytesOf(content);
    const { subject, ...manifest } = parseManifest(bytes, digest);
    const sent = await putManifest(session, content, bytes, digest);
    if (sent === undefined) counts.present++;
    else counts.sentBytes += bytes.length;
    if (subject === undefined) continue;
    counts.sentBytes += await addReferrer(
      session,
      subject,
      { ...content.descriptor, ...described(manifest) },
      sent,
    );
  }
  const top = unique.find(({ descriptor }) => descriptor.digest === root.digest);
  for (const tag of tags) {
    if (top === undefined) throw new Error(`${root.digest} is not among the contents`);
    const bytes = await bytesOf(top);
    if ((await putManifest(session, top, bytes, tag)) !== undefined) counts.sentBytes += bytes.length;
  }
  return { digest: root.digest, ...counts };
}

async function bytesOf({ blob }: Content): Promise<Uint8Array> {
  return new Uint8Array(await blob.arrayBuffer());
}

/** What a list of referrers says of one, by the distribution specification. */
function described(manifest: ReturnType<typeof parseManifest>): object {
  const artifactType = manifest.artifactType ?? manifest.config?.mediaType;
  return {
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(manifest.annotations === undefined ? {} : { annotations: manifest.annotations }),
  };
}

/**
 * @param version the tag or the digest that it gets
 * @returns undefined: it was there
 */
async function putManifest(
  session: Session,
  { descriptor }: Content,
  body: Uint8Array,
  version: string,
): Promise<Response | undefined> {
  const path = `manifests/${version}`;
  const head = await session.patiently({ method: "HEAD", path, headers: { accept: acceptedTypes } });
  if (head.ok && head.headers.get("docker-content-digest") === descriptor.digest) return undefined;
  // the refusal of a HEAD has no words: what follows is refused with them
  if (isPassing(head)) throw await session.refused(head);
  const headers = { "content-type": descriptor.mediaType };
  const response = await session.patiently({ method: "PUT", path, headers, body });
  if (!response.ok) throw await session.refused(response, `manifest ${version}`);
  return response;
}
