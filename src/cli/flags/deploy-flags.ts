/** The flags of `microrun deploy`: of the rollout, of the manifest, of the image, and of the run itself. */
import { discoveryFlags } from "./discovery-flags.ts";
import { type FlagGroup, type FlagTable, flagsOf } from "./flags.ts";
import { imageGroups } from "./image-flags.ts";
import { imageFlags, passedGroups, placeFlags, workloadFlags } from "./manifest-flags.ts";

export const rolloutFlags = {
  create_namespace: {
    type: "boolean",
    variable: false,
    about: "Make the namespace if there is none.",
    example: "true",
  },
  force_conflicts: {
    type: "boolean",
    variable: false,
    about: "Take over fields that others have set.",
    example: "true",
  },
  wait: {
    type: "boolean",
    variable: false,
    about: "Wait until all Pods run it.",
    example: "false",
    default: "true",
  },
  timeout: {
    type: "duration",
    variable: false,
    about: "How long that may take.",
    example: "10m",
    default: "5m",
    min: 1,
  },
} as const;

const clusterFlags: FlagTable = {
  kubeconfig: discoveryFlags.kubeconfig,
  kubernetes_context: discoveryFlags.kubernetes_context,
};

const image = {
  ...imageFlags.image,
  about: "An image that is there already, in place of making one.",
  otherwise: "made of the module, and pushed as --tag says",
};

const ownGroups: readonly FlagGroup[] = [
  { title: "Deploy:", flags: { ...placeFlags, image, ...clusterFlags, ...rolloutFlags } },
  { title: "Manifest:", flags: workloadFlags },
];

/** The image is pushed, not written; what both have, and who the container runs as, is the Pod's. */
const notImage = new Set([
  "output",
  "digest_file",
  "user",
  ...Object.keys(flagsOf(ownGroups)),
  ...Object.keys(flagsOf(passedGroups)),
]);

/** The flags of `image` that hold here too. */
export const madeGroups: readonly FlagGroup[] = imageGroups.map(({ title, flags }) => ({
  title,
  flags: Object.fromEntries(Object.entries(flags).filter(([name]) => !notImage.has(name))),
}));

export const deployGroups: readonly FlagGroup[] = [...ownGroups, ...madeGroups, ...passedGroups];
