/** The labels that Kubernetes recommends, and which of them choose a service's Pods. */
import type { Facts } from "./facts.ts";

type Labels = Readonly<Record<string, string>>;

/** These never change: a Deployment's selector cannot. A job of the same name is another component: no call may reach its Pods. */
export function selectorLabels({ name, run }: Pick<Facts, "name" | "run">): Labels {
  return {
    "app.kubernetes.io/name": name,
    "app.kubernetes.io/instance": name,
    "app.kubernetes.io/component": run.kind,
  };
}

/** Of every object. */
export function commonLabels(facts: Facts): Labels {
  const label = versionLabel(facts.version ?? "");
  return {
    ...selectorLabels(facts),
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
