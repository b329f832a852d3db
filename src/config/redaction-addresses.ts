/** Which `name:` in a text is part of an address, and so names no value: `token-service:8080`, `reg.io/secret-manager:v1`, `arn:aws:secret:db`. */

/** How far around a colon it is looked. */
const maxWord = 256;

/** A port, also one that is too high; what a sentence goes on with is none of it. */
const port = /^\d{1,6}(?=$|[\s/,;?#"'`)\]}>\\]|[.:](?:\s|$))/;
/** Of a host with more than one label or word; a setting's path ends with what the setting is: `db.password:1234`. */
const host = /^[a-z\d][a-z\d.-]*[.-][a-z\d.-]*$/;
const settings = /\.(?:password|passwd|pass|pwd|secret|token|credentials?)$/;
/** `reg.io:5000/team/`, up to the name. */
const repository = /^[a-z\d][\w.-]*(?::\d{1,5})?(?:\/[a-z\d][\w.-]*)*\/$/;
const version = /^v?\d+(?:\.\d+)*(?=$|[\s,"'`)\]}\\])/;
const tag = /^\w[\w.-]{0,127}(?:@sha256:[\da-f]+)?(?=$|[\s,"'`)\]}\\])/;
/** `--config=env:,` before `secret:NAME`, or other sources behind it. */
const sourcesBefore = /(?:--config=['"]?|(?:^|[,'"=])(?:env|file|configmap):[^\s'"]*,)(?:[^\s'"]*,)?$/;
const sourceName = /^[a-z\d][a-z\d./-]*(?:\?[^\s,'"]*)?(?=$|[\s,'"])/;
const sourcesBehind = /^[^\s,'"]*,(?:env|file|configmap):/;

/**
 * @param start where the name begins
 * @param end behind its colon
 */
export function isInAddress(text: string, start: number, end: number): boolean {
  const name = text.slice(start, end - 1);
  const behind = text.slice(end, end + maxWord);
  if (behind.startsWith("//")) return true;
  const [before = ""] = /[^\s"'`]*$/.exec(text.slice(Math.max(0, start - maxWord), start)) ?? [];
  // the names that these hold are of their own
  if (/^(?:.*=)?(?:urn|arn):/.test(before)) return true;
  // of a user the password is hidden already
  if (/:\/\/[^/]*$/.test(before)) return port.test(behind) || behind.startsWith("***@");
  if (name === "secret" && isSource(text, start, behind)) return true;
  const isCompound = host.test(name) && !settings.test(name);
  if (isCompound && !before.endsWith("/") && port.test(behind)) return true;
  const [place = ""] = /[^=,([{]*$/.exec(before) ?? [];
  return repository.test(place) && /^[a-z\d][\w.-]*$/.test(name) && (isCompound ? tag : version).test(behind);
}

function isSource(text: string, start: number, behind: string): boolean {
  if (!sourceName.test(behind)) return false;
  return sourcesBefore.test(text.slice(Math.max(0, start - maxWord), start)) || sourcesBehind.test(behind);
}
