/** How a MicroService is, as its conditions tell it. */
import type { Condition, MicroService, MicroServiceStatus, OperatorCluster, Seen } from "./operator.ts";

/** What came of looking at one: its objects are as they should be, or why they are not. */
export type Outcome =
  | { readonly image: string; readonly kind: "Deployment" | "CronJob"; readonly workload: Seen }
  | { readonly trouble: { readonly reason: string; readonly message: string } };

/** Of a condition, as far as the API server takes it. */
const maxMessage = 32_768;

type Judged = Record<
  Condition["type"],
  { readonly status: Condition["status"]; readonly reason: string; readonly message: string }
>;

/** @param now as RFC 3339 has it, in whole seconds */
export function statusOf(
  service: MicroService,
  outcome: Outcome,
  standing: OperatorCluster["standing"],
  now: string,
): MicroServiceStatus {
  const { generation, status: before } = service;
  const judged = "trouble" in outcome ? stuck(outcome.trouble) : judge(outcome, standing);
  const conditions = (Object.keys(judged) as Condition["type"][]).map((type) => {
    const { status, reason, message } = judged[type];
    const same = before.conditions?.find((one) => one.type === type && one.status === status);
    return {
      ...{ type, status, reason, message: message.slice(0, maxMessage), observedGeneration: generation },
      lastTransitionTime: same?.lastTransitionTime ?? now,
    };
  });
  // what runs already goes on as it was
  if ("trouble" in outcome) return { ...before, observedGeneration: generation, conditions };
  const { image, kind, workload } = outcome;
  const { matchLabels } = workload.spec?.selector ?? {};
  const counts =
    kind === "CronJob"
      ? {}
      : {
          replicas: workload.status?.replicas ?? 0,
          readyReplicas: workload.status?.readyReplicas ?? 0,
          selector: Object.entries(matchLabels ?? {})
            .map(([name, value]) => `${name}=${value}`)
            .join(","),
        };
  return { observedGeneration: generation, image, ...counts, conditions };
}

function stuck({ reason, message }: { reason: string; message: string }): Judged {
  return {
    Ready: { status: "False", reason, message },
    Progressing: { status: "False", reason, message },
    Degraded: { status: "True", reason, message },
  };
}

function judge(
  { kind, workload }: Extract<Outcome, { workload: Seen }>,
  standing: OperatorCluster["standing"],
): Judged {
  if (kind === "CronJob") return scheduled(workload);
  const { text: message, state } = standing(workload);
  if (state === "failed") return stuck({ reason: "RolloutFailed", message });
  const refused = workload.status?.conditions?.find(
    (one: Seen) => one.type === "ReplicaFailure" && one.status === "True",
  );
  const well = { status: "False", reason: "AsWanted", message: "nothing is wrong" } as const;
  const Degraded = refused
    ? ({ status: "True", reason: "ReplicaFailure", message: refused.message ?? refused.reason } as const)
    : well;
  return state === "done"
    ? {
        Ready: { status: "True", reason: "Available", message },
        Progressing: { status: "False", reason: "Complete", message },
        Degraded,
      }
    : {
        Ready: { status: "False", reason: "RollingOut", message },
        Progressing: { status: "True", reason: "RollingOut", message },
        Degraded,
      };
}

function scheduled({ spec }: Seen): Judged {
  const suspended = spec?.suspend === true;
  const reason = suspended ? "Suspended" : "Scheduled";
  const message = suspended ? "somebody has suspended it" : `it runs at ${spec?.schedule}`;
  return {
    Ready: { status: suspended ? "False" : "True", reason, message },
    Progressing: { status: "False", reason, message },
    Degraded: { status: "False", reason: "AsWanted", message: "nothing is wrong" },
  };
}
