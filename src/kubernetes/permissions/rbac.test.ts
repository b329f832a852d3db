import { expect, test } from "bun:test";
import { parseAllDocuments } from "yaml";
import { MicrorunError } from "../../errors.ts";
import { deniedMessage, resourceOf } from "./denied.ts";
import { checkNames, configRules, neededRules, rbacYaml } from "./rbac.ts";

// biome-ignore lint/suspicious/noExplicitAny: any Kubernetes object
const documents = (yaml: string): any[] => {
  const parsed = parseAllDocuments(yaml, { version: "1.1" });
  return "empty" in parsed ? [] : parsed.map((document) => document.toJS());
};

test("a service that neither registers nor discovers needs nothing", () => {
  const rules = neededRules({ register: false, discover: false });
  expect(rules).toEqual([]);
  expect(rbacYaml({ rules, namespace: "team-a", clusterWide: false })).toBe("");
});

test("registering needs patch alone, discovering list and watch of pods and slices", () => {
  expect(neededRules({ register: true, discover: false })).toEqual([
    { apiGroup: "", resources: ["pods"], verbs: ["patch"] },
  ]);
  expect(neededRules({ register: true, discover: true })).toEqual([
    { apiGroup: "", resources: ["pods"], verbs: ["list", "watch", "patch"] },
    { apiGroup: "discovery.k8s.io", resources: ["endpointslices"], verbs: ["list", "watch"] },
  ]);
});

test("a namespace's permissions are one Role and its binding", () => {
  const rules = neededRules({ register: true, discover: true });
  const options = { rules, namespace: "team-a", serviceAccount: "seller", clusterWide: false };
  const [role, binding, ...more] = documents(rbacYaml(options));
  expect(more).toEqual([]);
  expect(role).toEqual({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "Role",
    metadata: { name: "microrun", namespace: "team-a" },
    rules: [
      { apiGroups: [""], resources: ["pods"], verbs: ["list", "watch", "patch"] },
      { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] },
    ],
  });
  expect(binding).toEqual({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata: { name: "microrun", namespace: "team-a" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "microrun" },
    subjects: [{ kind: "ServiceAccount", name: "seller", namespace: "team-a" }],
  });
});

test("where all namespaces are read, only one's own is written", () => {
  const rules = neededRules({ register: true, discover: true });
  const made = documents(rbacYaml({ rules, namespace: "team-a", clusterWide: true }));
  expect(made.map(({ kind }) => kind)).toEqual(["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"]);
  expect(made[0].rules).toEqual([{ apiGroups: [""], resources: ["pods"], verbs: ["patch"] }]);
  expect(made[2].rules[0].verbs).toEqual(["list", "watch"]);
  expect(made[2].metadata).toEqual({ name: "microrun-team-a" });
});

test("names that YAML 1.1 takes for something else are quoted", () => {
  const yaml = rbacYaml({
    rules: neededRules({ register: true, discover: false }),
    namespace: "on",
    clusterWide: false,
    serviceAccount: "1e3",
  });
  expect(documents(yaml)[1].subjects).toEqual([{ kind: "ServiceAccount", name: "1e3", namespace: "on" }]);
});

test("a name that no API server takes is refused, and the hint says by which flag it came", () => {
  const names = { serviceAccount: "seller.v2", own: "shop", where: "team-a" };
  for (const given of [names, { ...names, where: "*" }]) expect(() => checkNames(given)).not.toThrow();
  for (const [wrong, message, flag] of [
    [{ own: "Bad_NS" }, "namespace Bad_NS: not a name of Kubernetes'", "--namespace"],
    [{ own: "*" }, "namespace *: not a name of Kubernetes'", "--namespace"],
    [{ own: "team.a" }, "namespace team.a: not a name of Kubernetes'", "--namespace"],
    [{ where: "" }, `namespace "": not a name of Kubernetes'`, "--kubernetes_namespace"],
    [{ serviceAccount: "-x" }, "service account -x: not a name of Kubernetes'", "--service_account"],
  ] as const)
    expect(() => checkNames({ ...names, ...wrong }), message).toThrow(
      expect.objectContaining({
        code: "invalid_argument",
        message,
        hint: expect.stringContaining(`set ${flag} to `),
      }),
    );
});

const forbidden =
  'endpointslices.discovery.k8s.io is forbidden: User "system:serviceaccount:shop:seller" cannot list resource';

test("a refusal names verb, resource and namespace, and the Role that is missing for that very account", () => {
  const error = new MicrorunError("permission_denied", forbidden);
  const { message, fields } = deniedMessage(error, "list", "endpointslices.discovery.k8s.io", "team-a");
  expect(message).toBe("may not list endpointslices in namespace team-a");
  expect(fields.hint).toBe(
    "grant it: microrun rbac --registry=kubernetes --no-register --namespace=shop --service_account=seller --kubernetes_namespace='team-a' | kubectl apply -f -",
  );
  const [role, binding] = documents(String(fields.role));
  expect(role.rules).toEqual([
    { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] },
  ]);
  expect(binding.subjects).toEqual([{ kind: "ServiceAccount", name: "seller", namespace: "shop" }]);
});

test.each([
  ["patch", "shop", { register: true, discover: false }, "--selector=static --namespace=shop"],
  ["patch", "shop", { register: true, discover: true }, "--namespace=shop"],
  ["list", "shop", { register: true, discover: true }, "--namespace=shop"],
  ["list", "shop", { register: false, discover: true }, "--no-register --namespace=shop"],
] as const)(
  "who may not %s is told how to grant all that it needs in %s: %j",
  (verb, where, needs, flags) => {
    const said = 'pods is forbidden: User "system:serviceaccount:shop:seller" cannot';
    const error = new MicrorunError("permission_denied", said);
    expect(deniedMessage(error, verb, "pods", where, () => needs).fields.hint).toBe(
      `grant it: microrun rbac --registry=kubernetes ${flags} --service_account=seller | kubectl apply -f -`,
    );
  },
);

test("a refusal in all namespaces asks for a ClusterRole, a person's for a binding to the person", () => {
  const error = new MicrorunError("permission_denied", 'pods is forbidden: User "john" cannot watch');
  const { message, fields } = deniedMessage(error, "watch", "pods", undefined);
  expect(message).toBe("may not watch pods in all namespaces");
  const [role, binding] = documents(String(fields.role));
  expect([role.kind, binding.kind]).toEqual(["ClusterRole", "ClusterRoleBinding"]);
  expect(binding.subjects).toEqual([{ kind: "User", apiGroup: "rbac.authorization.k8s.io", name: "john" }]);
});

test("who is not logged in is not told of roles", () => {
  const { message, fields } = deniedMessage(
    new MicrorunError("unauthenticated", "Unauthorized"),
    "patch",
    "pods",
    "a",
  );
  expect(message).toBe("cannot patch pods in namespace a: not logged in to the API server");
  expect(fields.role).toBeUndefined();
});

test.each([
  ["/api/v1/namespaces/team-a/pods", { apiGroup: "", name: "pods", namespace: "team-a" }],
  ["/api/v1/pods", { apiGroup: "", name: "pods", namespace: undefined }],
  ["/api/v1/namespaces", { apiGroup: "", name: "namespaces", namespace: undefined }],
  [
    "/apis/discovery.k8s.io/v1/namespaces/b/endpointslices",
    { apiGroup: "discovery.k8s.io", name: "endpointslices", namespace: "b" },
  ],
  ["/apis/apps/v1/deployments", { apiGroup: "apps", name: "deployments", namespace: undefined }],
])("%s is understood", (path, resource) => {
  expect(resourceOf(path)).toEqual(resource);
});

test("configuration needs list and watch of the very objects, namespace by namespace", () => {
  const rule = (resource: string, ...resourceNames: string[]) => ({
    apiGroup: "",
    resources: [resource],
    verbs: ["list", "watch"],
    resourceNames,
  });
  const configmap = { kind: "configmap", namespace: "default" } as const;
  expect(
    configRules([
      { ...configmap, name: "micro" },
      { ...configmap, name: "more" },
      { ...configmap, name: "micro" },
      { kind: "secret", namespace: "default", fields: "metadata.name=keys" },
      { kind: "secret", namespace: "shop", name: "keys" },
    ]),
  ).toEqual([
    { namespace: "default", rules: [rule("configmaps", "micro", "more"), rule("secrets", "keys")] },
    { namespace: "shop", rules: [rule("secrets", "keys")] },
  ]);
  expect(configRules([])).toEqual([]);
});

test("objects that labels choose can be allowed only with all of their namespace", () => {
  const configmap = { kind: "configmap", namespace: "default" } as const;
  const rules = [{ apiGroup: "", resources: ["configmaps"], verbs: ["list", "watch"] }];
  const chosen = configRules([
    { ...configmap, name: "micro" },
    { ...configmap, labels: "a=b" },
  ]);
  expect(chosen).toEqual([{ namespace: "default", rules }]);
});

test("names are written into the Role", () => {
  const [granted] = configRules([{ kind: "configmap", namespace: "default", name: "micro" }]);
  const [role] = documents(rbacYaml({ ...granted!, clusterWide: false }));
  expect(role.rules).toEqual([
    { apiGroups: [""], resources: ["configmaps"], verbs: ["list", "watch"], resourceNames: ["micro"] },
  ]);
});
