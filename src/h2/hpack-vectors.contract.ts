/** The examples of RFC 7541 appendix C: encoded blocks, in sequence, and the header lists that they stand for. */

export interface Example {
  readonly hex: string;
  readonly fields: readonly string[];
}

const first = [":method", "GET", ":scheme", "http", ":path", "/", ":authority", "www.example.com"];
const second = [...first, "cache-control", "no-cache"];
const third = [
  ...[":method", "GET", ":scheme", "https", ":path", "/index.html", ":authority", "www.example.com"],
  ...["custom-key", "custom-value"],
];

/** C.2: each of its own. */
export const representations: readonly Example[] = [
  { hex: "400a637573746f6d2d6b65790d637573746f6d2d686561646572", fields: ["custom-key", "custom-header"] },
  { hex: "040c2f73616d706c652f70617468", fields: [":path", "/sample/path"] },
  { hex: "100870617373776f726406736563726574", fields: ["password", "secret"] },
  { hex: "82", fields: [":method", "GET"] },
];

/** C.3 */
export const plainRequests: readonly Example[] = [
  { hex: "828684410f7777772e6578616d706c652e636f6d", fields: first },
  { hex: "828684be58086e6f2d6361636865", fields: second },
  { hex: "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565", fields: third },
];

/** C.4 */
export const codedRequests: readonly Example[] = [
  { hex: "828684418cf1e3c2e5f23a6ba0ab90f4ff", fields: first },
  { hex: "828684be5886a8eb10649cbf", fields: second },
  { hex: "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf", fields: third },
];

const moved = (status: string, date: string): string[] => [
  ...[":status", status, "cache-control", "private", "date", date],
  ...["location", "https://www.example.com"],
];
const responses = [
  moved("302", "Mon, 21 Oct 2013 20:13:21 GMT"),
  moved("307", "Mon, 21 Oct 2013 20:13:21 GMT"),
  [
    ...moved("200", "Mon, 21 Oct 2013 20:13:22 GMT"),
    ...["content-encoding", "gzip"],
    ...["set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"],
  ],
];

/** What sets the table to the 256 bytes of C.5 and C.6. */
export const tableOf256 = "3fe101";

/** C.5: entries are evicted. */
export const plainResponses: readonly Example[] = [
  "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d",
  "4803333037c1c0bf",
  "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31",
].map((hex, i) => ({ hex, fields: responses[i]! }));

/** C.6 */
export const codedResponses: readonly Example[] = [
  "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3",
  "4883640effc1c0bf",
  "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
].map((hex, i) => ({ hex, fields: responses[i]! }));
