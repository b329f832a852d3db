import { expect, test } from "bun:test";
import { callOf, refusal, standing } from "./middleware.contract.ts";
import { timeout } from "./timeout.ts";

const { around } = standing();
const never = (): Promise<never> => new Promise(() => {});

test("a method's limit wins over that of all, and a sooner deadline of the caller's stays", async () => {
  const deadlines: (number | undefined)[] = [];
  const dispatch = timeout({ timeoutMs: 60_000, methods: { "Greeter.Slow": 0 } })(async ({ deadline }) => {
    deadlines.push(deadline);
  }, around);
  const soon = Date.now() + 10;
  await dispatch(callOf());
  await dispatch(callOf({ method: "Slow" }));
  await dispatch(callOf({ deadline: soon }));
  expect(deadlines[0]).toBeGreaterThan(Date.now() + 50_000);
  expect(deadlines.slice(1)).toEqual([undefined, soon]);
});

test("a handler that never settles is answered for, and its signal aborted", async () => {
  let aborted = false;
  const dispatch = timeout({ methods: { "Greeter.Hello": 5 } })((call) => {
    call.signal.addEventListener("abort", () => {
      aborted = true;
    });
    return never();
  }, around);
  expect(await refusal(dispatch(callOf()))).toBe("deadline_exceeded: not answered within the limit of 5 ms");
  expect(aborted).toBe(true);
});

test("a fetch has the same limit, or one of its own", async () => {
  const request = new Request("http://localhost/");
  for (const options of [{ timeoutMs: 5 }, { timeoutMs: 60_000, webMs: 5 }]) {
    let aborted = false;
    const web = timeout(options).web?.((visit) => {
      visit.request.signal.addEventListener("abort", () => {
        aborted = true;
      });
      return never();
    }, around);
    expect(await refusal(Promise.resolve(web?.({ request })))).toStartWith("deadline_exceeded: ");
    expect(aborted).toBe(true);
  }
});
