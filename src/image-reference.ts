/** The name of an image as people write it, by the grammar of docker (distribution/reference). */
import { usageError } from "./errors.ts";

export interface Reference {
  /** `docker.io`, `localhost:5000`, `[::1]:5000` */
  readonly registry: string;
  /** `library/alpine` */
  readonly repository: string;
  readonly tag?: string;
  /** `sha256:<hex>` or `sha512:<hex>` */
  readonly digest?: string;
}

/** docker's bound on registry and repository together, in characters. */
const maxNameLength = 255;
const maxTagLength = 128;
const defaultRegistry = "docker.io";
const component = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const host =
  /^(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\[[a-fA-F0-9:]+\])(?::(\d+))?$/;
const tagForm = /^\w[\w.-]*$/;
const digestForm = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/;

/** @throws MicrorunError `invalid_argument` that names the part which is not valid */
export function parseReference(text: string): Reference {
  const invalid = (why: string, hint = "write it as REGISTRY/REPOSITORY:TAG") =>
    usageError(`image ${JSON.stringify(text)}: ${why}`, hint);
  if (text === "") throw invalid("the name is empty");
  if (/^[a-z]+:\/\//i.test(text))
    throw invalid("it is a URL", "leave out the scheme: REGISTRY/REPOSITORY:TAG");

  const at = text.indexOf("@");
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !isDigest(digest))
    throw invalid(
      `${JSON.stringify(digest)} is not a digest`,
      "write it as sha256: and 64 hexadecimal digits",
    );

  const named = at < 0 ? text : text.slice(0, at);
  const slash = named.indexOf("/");
  const first = named.slice(0, Math.max(slash, 0));
  const hasRegistry = /[.:[A-Z]/.test(first) || first === "localhost";
  const [, port] = host.exec(first) ?? [];
  if (hasRegistry && (!host.test(first) || Number(port ?? 1) > 65_535))
    throw invalid(`${JSON.stringify(first)} is not a registry's host`, "write it as HOST or HOST:PORT");
  const registry = hasRegistry ? first : defaultRegistry;

  const rest = hasRegistry ? named.slice(slash + 1) : named;
  const colon = rest.lastIndexOf(":");
  const isTagged = colon > rest.lastIndexOf("/");
  const tag = isTagged ? rest.slice(colon + 1) : undefined;
  if (tag !== undefined) checkTag(tag, invalid);

  const path = isTagged ? rest.slice(0, colon) : rest;
  if (path === "") throw invalid("it names no repository");
  const small = path.toLowerCase();
  if (path !== small && small.split("/").every((part) => component.test(part)))
    throw invalid(`the repository ${JSON.stringify(path)} has upper case letters`, `write ${small}`);
  const wrong = path.split("/").find((part) => !component.test(part));
  if (wrong !== undefined)
    throw invalid(
      wrong === ""
        ? "its repository has an empty part"
        : `${JSON.stringify(wrong)} is not part of a repository's name`,
      "use a–z, 0–9 and, between these, one of . _ __ -",
    );
  const isOfficial = isDocker(registry) && !path.includes("/");
  const repository = isOfficial ? `library/${path}` : path;
  if (registry.length + 1 + repository.length > maxNameLength)
    throw invalid(`the name has more than ${maxNameLength} characters`, "shorten it");
  return {
    registry: isDocker(registry) ? defaultRegistry : registry,
    repository,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** In full, with what it has of tag and digest. */
export function referenceText({ registry, repository, tag, digest }: Reference): string {
  return `${registry}/${repository}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
}

export function isDigest(text: string): boolean {
  return digestForm.test(text);
}

function isDocker(registry: string): boolean {
  return registry === defaultRegistry || registry === `index.${defaultRegistry}`;
}

function checkTag(tag: string, invalid: (why: string, hint?: string) => Error): void {
  if (tag.length > maxTagLength)
    throw invalid(`the tag has ${tag.length} characters`, `use at most ${maxTagLength}`);
  if (!tagForm.test(tag))
    throw invalid(
      tag === "" ? "the tag is empty" : `${JSON.stringify(tag)} is not a tag`,
      "use letters, digits, _ . and -, the first no . or -",
    );
}
