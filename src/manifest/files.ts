/** Objects as files: one for each kind, and what kustomize wants to know of them. */
import { yamlText } from "../yaml.ts";
import type { KubernetesObject } from "./facts.ts";

export interface ManifestFile {
  readonly name: string;
  readonly text: string;
}

/** Documents for `kubectl apply -f -`. */
export function manifestText(objects: readonly object[]): string {
  return objects.map(yamlText).join("---\n");
}

/** @param image what kustomize may replace @default no kustomization.yaml */
export function manifestFiles(objects: readonly KubernetesObject[], image?: string): ManifestFile[] {
  const kinds = [...new Set(objects.map(({ kind }) => kind))];
  const files = kinds.map((kind) => ({
    name: `${kind.toLowerCase()}.yaml`,
    text: manifestText(objects.filter((object) => object.kind === kind)),
  }));
  if (image === undefined) return files;
  const kustomization = {
    apiVersion: "kustomize.config.k8s.io/v1beta1",
    kind: "Kustomization",
    resources: files.map(({ name }) => name),
    images: [kustomizedImage(image)],
  };
  return [...files, { name: "kustomization.yaml", text: yamlText(kustomization) }];
}

/** `registry:5000/team/greeter:1@sha256:…`: a tag is what follows the last colon behind the last slash. */
function kustomizedImage(image: string): object {
  const [tagged = "", digest] = image.split("@");
  const [, name = tagged, newTag] = /^(.+):([^:/]+)$/.exec(tagged) ?? [];
  if (digest !== undefined) return { name, digest };
  return { name, newTag: newTag ?? "latest" };
}
