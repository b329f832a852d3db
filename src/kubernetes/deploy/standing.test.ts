import { expect, test } from "bun:test";
import { pathOf } from "./apply.ts";
import { type PodStatus, troubleOf, unreadyOf } from "./pod-trouble.ts";
import { deploymentStanding, jobStanding, type Workload } from "./standing.ts";

const after = (status: Workload["status"], replicas = 2): string => {
  const { state, text } = deploymentStanding({
    metadata: { generation: 2 },
    spec: { replicas },
    status: { observedGeneration: 2, ...status },
  });
  return `${state}: ${text}`;
};

test("a rollout is done when all Pods are new and available, and no old one is left", () => {
  expect(after({ observedGeneration: 1, replicas: 2, updatedReplicas: 2, availableReplicas: 2 })).toBe(
    "under way: the cluster has not taken it up yet",
  );
  expect(after({})).toBe("under way: 0 of 2 Pods are new");
  expect(after({ replicas: 3, updatedReplicas: 2, availableReplicas: 3 })).toBe(
    "under way: 1 old Pod is still there",
  );
  expect(after({ replicas: 2, updatedReplicas: 2, availableReplicas: 1 })).toBe(
    "under way: 1 of 2 Pods are available",
  );
  expect(after({ replicas: 2, updatedReplicas: 2, availableReplicas: 2 })).toBe("done: 2 Pods are available");
  expect(after({}, 0)).toBe("done: 0 Pods are available");
});

test("a rollout has failed when the cluster gives it up; that Pods are refused is told on the way", () => {
  const gaveUp = {
    type: "Progressing",
    status: "False",
    reason: "ProgressDeadlineExceeded",
    message: "too slow",
  };
  expect(after({ conditions: [gaveUp] })).toBe("failed: too slow");
  const refused = { type: "ReplicaFailure", status: "True", message: "exceeded quota" };
  expect(after({ conditions: [refused] })).toBe("under way: 0 of 2 Pods are new; exceeded quota");
});

test("a job is done, failed or under way as its conditions say", () => {
  const standing = (status: NonNullable<Workload["status"]>) =>
    Object.values(jobStanding({ status })).join(", ");
  expect(standing({ active: 1, failed: 2 })).toBe("1 Pod runs, 2 failed, under way");
  expect(standing({ conditions: [{ type: "Complete", status: "True" }] })).toBe("it is complete, done");
  expect(standing({ conditions: [{ type: "Failed", status: "True", message: "backoff" }] })).toBe(
    "backoff, failed",
  );
  expect(standing({ conditions: [{ type: "Failed", status: "False" }] })).toBe("0 Pods run, under way");
});

const pod = (name: string, made: string, hash: string, status: PodStatus["status"] = {}): PodStatus => ({
  metadata: { name, creationTimestamp: made, labels: { "pod-template-hash": hash } },
  status,
});
const waiting = (reason: string, message = "") => ({
  containerStatuses: [{ state: { waiting: { reason, message } } }],
});

test("of the newest template's Pods the trouble is told, not of those that go", () => {
  const old = pod("old", "2026-01-01T00:00:00Z", "a", waiting("ErrImagePull", "old"));
  const fine = pod("fine", "2026-01-02T00:00:00Z", "b", waiting("ContainerCreating"));
  const broken = pod("broken", "2026-01-02T00:00:00Z", "b", waiting("ImagePullBackOff", "no such image"));
  expect(troubleOf([old])?.why).toBe("ErrImagePull: old");
  expect(troubleOf([old, fine])).toBeUndefined();
  expect(troubleOf([old, fine, broken])).toEqual({
    pod: "broken",
    why: "ImagePullBackOff: no such image",
    hasLog: false,
  });
  expect(troubleOf([])).toBeUndefined();
});

test("an image that cannot be pulled is the same trouble while it is tried again", () => {
  const why = (reason: string, message: string) =>
    troubleOf([pod("p", "", "a", waiting(reason, message))])?.why;
  const first = why("ErrImagePull", 'failed to pull image "x": not found');
  const again = 'Back-off pulling image "x": ErrImagePull: failed to pull image "x": not found';
  expect(why("ImagePullBackOff", again)).toBe(first!);
});

test("of a Pod whose status tells no trouble it is known whether it is ready, and has a log", () => {
  const ready = (status: string) => ({ conditions: [{ type: "Ready", status }] });
  const running = { ...ready("False"), containerStatuses: [{ state: { running: {} } }] };
  const old = pod("old", "2026-01-01T00:00:00Z", "a", running);
  const fine = pod("fine", "2026-01-02T00:00:00Z", "b", ready("True"));
  expect(unreadyOf([old, fine])).toBeUndefined();
  expect(unreadyOf([old])).toEqual({ pod: "old", hasLog: true });
  const made = pod("made", "2026-01-02T00:00:00Z", "b", waiting("ContainerCreating"));
  expect(unreadyOf([old, fine, made])).toEqual({ pod: "made", hasLog: false });
});

test("a Pod that finds no node, and one that ends again and again, say so", () => {
  const conditions = [
    { type: "PodScheduled", status: "False", reason: "Unschedulable", message: "0/3 nodes" },
  ];
  expect(troubleOf([pod("p", "", "a", { conditions })])?.why).toBe("Unschedulable: 0/3 nodes");
  const lastState = { terminated: { exitCode: 2, reason: "Error" } };
  const state = { waiting: { reason: "CrashLoopBackOff", message: "back-off 10s" } };
  expect(troubleOf([pod("p", "", "a", { containerStatuses: [{ state, lastState }] })])).toEqual({
    pod: "p",
    why: "CrashLoopBackOff: Error, exit code 2",
    hasLog: true,
  });
  const killed = { terminated: { exitCode: 137, reason: "OOMKilled" } };
  expect(troubleOf([pod("p", "", "a", { containerStatuses: [{ state: killed }] })])?.why).toBe(
    "OOMKilled, exit code 137",
  );
});

test("each kind has its path", () => {
  const path = (apiVersion: string, kind: string, namespace?: string) =>
    pathOf({ apiVersion, kind, metadata: { name: "x", ...(namespace ? { namespace } : {}) } });
  expect(path("v1", "Service", "shop")).toBe("/api/v1/namespaces/shop/services/x");
  expect(path("networking.k8s.io/v1", "NetworkPolicy", "shop")).toBe(
    "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies/x",
  );
  expect(path("rbac.authorization.k8s.io/v1", "ClusterRole")).toBe(
    "/apis/rbac.authorization.k8s.io/v1/clusterroles/x",
  );
  expect(() => path("v1", "Gateway")).toThrow("not a kind");
});
