/** The labels that Kubernetes recommends, and which of them choose a service's Pods. */
import type { Facts } from "./facts.ts";

type Labels = Readonly<Record<string, string>>;

/** These never change: a Deployment's selector cannot. */
export function selectorLabels({ name }: Pick<Facts, "name">): Labels {
  return { "app.kubernetes.io/name": name, "app.kubernetes.io/instance": name };
}

/** Of every object. */
export function commonLabels({ name, version }: Facts): Labels {
  const label = versionLabel(version ?? "");
  return {
    ...selectorLabels({ name }),
    ...(label === "" ? {} : { "app.kubernetes.io/version": label }),
    "app.kubernetes.io/managed-by": "microrun",
  };
}

const maxLabelBytes = 63;

/** `1.2.3+build` → `1.2.3_build`: what of it a label's value can be, which may be nothing. */
function versionLabel(text: string): string {
  return text
    .replace(/[^-\w.]/g, "_")
    .slice(0, maxLabelBytes)
    .replace(/^[-_.]+|[-_.]+$/g, "");
}
