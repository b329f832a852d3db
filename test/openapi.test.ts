/** The OpenAPI description against the specification's own schema, by a validator that others keep. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { Validator } from "@seriousme/openapi-schema-validator";
import { greeter, microrun, targets } from "./harness.ts";

const library = join(import.meta.dir, "fixtures/rest/library.ts");

test.each([library, greeter])("the description of %s is OpenAPI 3.1", async (module) => {
  const { stdout } = await microrun(targets[0]!, ["openapi", module]);
  const validator = new Validator();
  const { valid, errors } = await validator.validate(JSON.parse(stdout));
  expect(errors).toBeUndefined();
  expect(valid).toBe(true);
  expect(validator.version).toBe("3.1");
});
