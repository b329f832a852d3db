/** What a client makes of the header blocks that come: a status, or an answer that is none of gRPC's. */
import { codes } from "../../errors.ts";
import { decodeText } from "../../grpc-fields.ts";
import { type Ending, errorCodes, type HeaderBlock } from "../../h2/h2.ts";
import { isGrpc } from "../content.ts";
import { recordOf } from "../header-record.ts";
import type { Fields } from "../metadata.ts";
import { detailsField, type Status } from "../status.ts";

/** What a header block says. Made once for blocks that repeat. */
export interface Received {
  readonly fields: Fields;
  /** Undefined: it says none. */
  readonly status: Status | undefined;
  /** Of a head after which no messages come. */
  readonly foreign: ForeignAnswer | undefined;
}

/** An answer that is none of gRPC's: that of a proxy, or of a web server. */
export interface ForeignAnswer {
  readonly status: Status;
  /** Its body is worth a look. */
  readonly isText: boolean;
}

/** Of a foreign answer's text, in bytes: what is looked at. */
export const maxTextBytes = 1024;
/** In characters: what is told. */
const maxToldText = 200;

export const tooLarge: Status = {
  code: codes.resource_exhausted,
  message: "the reply's header fields are too large",
};

export const noStatus: Status = {
  code: codes.internal,
  message: "the server ended the call without a status",
};

export function receivedOf(block: HeaderBlock): Received {
  if (block.note === undefined) {
    const fields = recordOf(block.fields);
    const status = statusOf(fields);
    const received: Received = { fields, status, foreign: foreignAnswer(fields, status) };
    block.note = received;
  }
  return block.note as Received;
}

/** With the beginning of its body. */
export function foreignStatus({ status }: ForeignAnswer, body: Buffer): Status {
  const text = body
    .toString()
    .replaceAll(/[\p{Cc}\s\ufffd]+/gu, " ")
    .trim();
  if (text === "") return status;
  const told = text.length > maxToldText ? `${text.slice(0, maxToldText).toWellFormed()}…` : text;
  return { ...status, message: `${status.message}: ${told}` };
}

function statusOf(fields: Fields): Status | undefined {
  const status = text(fields["grpc-status"]);
  if (status === undefined) return undefined;
  const code = /^\d{1,3}$/.test(status) ? Number(status) : codes.unknown;
  const message = decodeText(text(fields["grpc-message"]) ?? "");
  const details = text(fields[detailsField]);
  return details === undefined
    ? { code, message }
    : { code, message, details: Buffer.from(details, "base64") };
}

/** What a proxy's answer means (doc/http-grpc-status-mapping.md of gRPC). */
const httpCodes: Readonly<Record<string, number>> = {
  400: codes.internal,
  401: codes.unauthenticated,
  403: codes.permission_denied,
  404: codes.unimplemented,
  429: codes.unavailable,
  502: codes.unavailable,
  503: codes.unavailable,
  504: codes.unavailable,
};

const textType = /^(text\/|application\/([\w.-]+\+)?(json|xml)\b)/i;

/** @param status it counts more than what HTTP has to say */
function foreignAnswer(fields: Fields, status: Status | undefined): ForeignAnswer | undefined {
  const httpStatus = text(fields[":status"]);
  // trailers have none
  if (httpStatus === undefined) return undefined;
  const type = text(fields["content-type"]);
  const isForeign = !isGrpc(type);
  if (httpStatus === "200" && !isForeign) return undefined;
  if (status !== undefined) return { status, isText: false };
  const ofType =
    type === undefined ? "without content type" : `and content type ${type.slice(0, maxToldText)}`;
  const message = `the server answers with HTTP status ${httpStatus}${isForeign ? ` ${ofType}` : ""}`;
  return {
    status: { code: httpCodes[httpStatus] ?? codes.unknown, message },
    isText: type !== undefined && textType.test(type) && fields["content-encoding"] === undefined,
  };
}

/** What a reset means (doc/PROTOCOL-HTTP2.md of gRPC); a lost connection says nothing about the call. */
const resetCodes: Readonly<Record<number, number>> = {
  [errorCodes.refusedStream]: codes.unavailable,
  [errorCodes.cancel]: codes.cancelled,
  [errorCodes.enhanceYourCalm]: codes.resource_exhausted,
};

export function statusOfEnding({ code, reason, unsent, lost }: Ending): Status {
  if (lost || unsent) return { code: codes.unavailable, message: reason };
  return { code: resetCodes[code] ?? codes.internal, message: `${reason}, code ${code}` };
}

export function text(value: Fields[string]): string | undefined {
  return typeof value === "string" ? value : undefined;
}
