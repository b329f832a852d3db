/** Content that belongs to an image but is none (an SBOM, a signature): found by whoever asks what refers to the image. */
import { type Artifact, content, type Descriptor, jsonContent, mediaTypes } from "../oci.ts";
import { reference, sorted } from "./canonical.ts";

export function referrer(
  subject: Descriptor,
  artifactType: string,
  document: Uint8Array<ArrayBuffer>,
  annotations: Readonly<Record<string, string>>,
): Artifact {
  const layer = content(artifactType, document);
  const empty = jsonContent(mediaTypes.empty, {});
  const manifest = jsonContent(
    mediaTypes.manifest,
    {
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      artifactType,
      config: empty.descriptor,
      layers: [layer.descriptor],
      subject: reference(subject),
      annotations: sorted(annotations),
    },
    { artifactType, annotations: sorted(annotations) },
  );
  return {
    root: manifest.descriptor,
    contents: [layer, empty, manifest],
  };
}
