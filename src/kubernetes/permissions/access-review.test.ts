import { expect, test } from "bun:test";
import { readYaml } from "../../yaml.ts";
import { accountOf, grantText, rightsOf } from "./access-review.ts";
import { credentialOf } from "./api-visit.ts";
import { rbacObjects } from "./rbac.ts";

const account = accountOf("system:serviceaccount:shop:seller");

test("the rights of Roles are told by kind, name and namespace", () => {
  const rules = [
    { apiGroup: "", resources: ["pods"], verbs: ["list", "patch"] },
    { apiGroup: "", resources: ["configmaps"], verbs: ["watch"], resourceNames: ["a", "b"] },
  ];
  expect(rightsOf(rbacObjects({ rules, namespace: "shop", clusterWide: false }))).toEqual([
    { apiGroup: "", resource: "pods", verbs: ["list", "patch"], namespace: "shop" },
    { apiGroup: "", resource: "configmaps", verbs: ["watch"], namespace: "shop", name: "a" },
    { apiGroup: "", resource: "configmaps", verbs: ["watch"], namespace: "shop", name: "b" },
  ]);
  expect(rightsOf(rbacObjects({ rules: rules.slice(0, 1), namespace: "shop", clusterWide: true }))).toEqual([
    { apiGroup: "", resource: "pods", verbs: ["patch"], namespace: "shop" },
    { apiGroup: "", resource: "pods", verbs: ["list"] },
  ]);
});

test("a grant holds what is missing alone, under a name that no other grant has", () => {
  const right = { apiGroup: "", resource: "pods", verbs: ["list", "patch"], namespace: "shop" };
  const [role, binding] = grantText(right, ["patch"], account).split("---\n").map(readYaml);
  expect(role).toMatchObject({
    kind: "Role",
    metadata: { name: "microrun-seller-pods-patch", namespace: "shop" },
    rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["patch"] }],
  });
  expect(binding).toMatchObject({
    subjects: [{ kind: "ServiceAccount", name: "seller", namespace: "shop" }],
  });
  const names = [
    grantText(right, ["list"], account),
    grantText({ ...right, name: "x" }, ["list"], account),
    grantText({ ...right, namespace: "far" }, ["list"], account),
    grantText(right, ["list"], accountOf("jane@example.com")),
  ].map((text) => /name: (\S+)/.exec(text)?.[1]);
  expect(new Set(names).size).toBe(4);
});

test("a token tells when it ends; other credentials tell what they are", () => {
  const payload = Buffer.from(JSON.stringify({ exp: 1_800_000_000 })).toString("base64url");
  expect(credentialOf(`Bearer e30.${payload}.x`, undefined)).toEqual({ kind: "token", expires: 1.8e12 });
  expect(credentialOf("Bearer opaque", undefined)).toEqual({ kind: "token" });
  expect(credentialOf("Basic eDp5", undefined)).toEqual({ kind: "password" });
  expect(credentialOf(undefined, undefined)).toBeUndefined();
});
