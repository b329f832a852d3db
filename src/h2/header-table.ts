/** The tables of HPACK (RFC 7541 §2.3): the static one, and the size by which the dynamic one is counted. */

const entries =
  ":authority=|:method=GET|:method=POST|:path=/|:path=/index.html|:scheme=http|:scheme=https|:status=200|:status=204|:status=206|:status=304|:status=400|:status=404|:status=500|accept-charset=|accept-encoding=gzip, deflate|accept-language=|accept-ranges=|accept=|access-control-allow-origin=|age=|allow=|authorization=|cache-control=|content-disposition=|content-encoding=|content-language=|content-length=|content-location=|content-range=|content-type=|cookie=|date=|etag=|expect=|expires=|from=|host=|if-match=|if-modified-since=|if-none-match=|if-range=|if-unmodified-since=|last-modified=|link=|location=|max-forwards=|proxy-authenticate=|proxy-authorization=|range=|referer=|refresh=|retry-after=|server=|set-cookie=|strict-transport-security=|transfer-encoding=|user-agent=|vary=|via=|www-authenticate=".split(
    "|",
  );

/** By index; 0 is none (appendix A). */
export const staticNames: readonly string[] = ["", ...entries.map((entry) => entry.split("=")[0]!)];
export const staticValues: readonly string[] = ["", ...entries.map((entry) => entry.split("=")[1]!)];
export const staticCount: number = entries.length;

/** What an entry counts beyond its text (§4.1). */
export const entryOverhead = 32;

/** The size of a dynamic table, ours and what we use of the peer's: RFC 9113's initial SETTINGS_HEADER_TABLE_SIZE. */
export const tableBytes = 4096;

export function entrySize(name: string, value: string): number {
  return name.length + value.length + entryOverhead;
}
