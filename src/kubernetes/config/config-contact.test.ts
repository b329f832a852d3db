import { expect, test } from "bun:test";
import { MicrorunError } from "../../errors.ts";
import { maxTimerMs } from "../../wait.ts";
import { configContact } from "./config-contact.ts";

const address = {
  kind: "configmap",
  namespace: "shop",
  name: "micro",
  format: "lines",
  required: false,
  optional: false,
} as const;
const away = (why = "connection refused") => new MicrorunError("unavailable", `cannot reach it: ${why}`);
const denied = (verb: string) =>
  new MicrorunError(
    "permission_denied",
    `configmaps "micro" is forbidden: User "system:serviceaccount:home:seller" cannot ${verb} resource "configmaps"`,
  );

const needed = {
  register: true,
  discover: true,
  where: "shop",
  sources: ["secret:keys", "configmap://shop/it's"],
};

function contact(graceMs: number) {
  const changed = Promise.withResolvers<void>();
  let changes = 0;
  const options = { address, needed, graceMs };
  const made = configContact({
    ...options,
    changed: () => {
      if (++changes === 3) changed.resolve();
    },
  });
  return { contact: made, thrice: changed.promise };
}

test("an API server that is away is told at once at first, then only after a while, in its first words", async () => {
  const { contact: first } = contact(maxTimerMs);
  using _first = first;
  first.heard("list", away());
  expect(first.fault?.message).toBe("cannot reach it: connection refused");
  first.heard("list", away("no answer"));
  expect(first.fault?.message).toBe("cannot reach it: connection refused");
  first.heard("list", undefined);
  expect([first.listed, first.fault]).toEqual([true, undefined]);
  first.heard("watch", away());
  expect(first.fault).toBeUndefined();

  const { contact: later, thrice } = contact(0);
  using _later = later;
  later.heard("list", undefined);
  later.heard("watch", away());
  expect(later.fault).toBeUndefined();
  await thrice;
  expect(later.fault?.code).toBe("unavailable");
  later.heard("watch", undefined);
  expect(later.fault).toBeUndefined();
});

test("a refusal is told at once, with the command that mends it, quoted for a shell", () => {
  const { contact: refused } = contact(maxTimerMs);
  using _refused = refused;
  refused.heard("list", denied("list"));
  expect(refused.listed).toBe(false);
  expect(refused.fault).toMatchObject({
    code: "permission_denied",
    message: "may not list configmaps in namespace shop",
    hint: "grant it: microrun rbac --registry=kubernetes --config='secret:keys' --config='configmap://shop/it'\\''s' --namespace=home --service_account=seller --kubernetes_namespace='shop' | kubectl apply -f -",
  });
  refused.heard("list", undefined);
  expect([refused.listed, refused.fault]).toEqual([true, undefined]);
});

test("who may list but not watch is refused still, until the watch is accepted", () => {
  const { contact: refused } = contact(maxTimerMs);
  using _refused = refused;
  refused.heard("list", undefined);
  refused.heard("watch", denied("watch"));
  refused.heard("list", undefined);
  expect(refused.fault?.message).toBe("may not watch configmaps in namespace shop");
  refused.heard("watch", undefined);
  expect(refused.fault).toBeUndefined();
});

test("a watch that was refused once is no fault after a list was refused and granted", () => {
  const { contact: refused } = contact(maxTimerMs);
  using _refused = refused;
  refused.heard("list", undefined);
  refused.heard("watch", denied("watch"));
  refused.heard("list", denied("list"));
  refused.heard("list", undefined);
  expect(refused.fault).toBeUndefined();
});

test("who is not logged in is told what to check", () => {
  const { contact: refused } = contact(maxTimerMs);
  using _refused = refused;
  refused.heard("list", new MicrorunError("unauthenticated", "Unauthorized"));
  expect(refused.fault).toMatchObject({
    code: "unauthenticated",
    message: "cannot list configmaps in namespace shop: not logged in to the API server",
    hint: expect.stringContaining("check the service account's token"),
  });
});
