/** The details of a status, `google.rpc.Status` in bytes: Go Micro's `errors.Error` or google.rpc's own, of which Kratos reads ErrorInfo. */
import protobuf from "protobufjs/minimal.js";
import { statusBytes } from "../error-details.ts";
import type { ErrorOptions, Violation } from "../errors.ts";
import type { MicroError } from "../micro-error.ts";

const urls = "type.googleapis.com/";
const errorUrl = `${urls}errors.Error`;
const infoUrl = `${urls}google.rpc.ErrorInfo`;
const badRequestUrl = `${urls}google.rpc.BadRequest`;
const retryInfoUrl = `${urls}google.rpc.RetryInfo`;

export function microErrorDetails(code: number, message: string, error: MicroError): Uint8Array {
  return statusBytes(code, message, [{ type: "errors.Error", value: microErrorBytes(error) }]);
}

/** errors.Error{id=1, code=2, detail=3, status=4} */
function microErrorBytes({ id, code, detail, status }: MicroError): Uint8Array {
  const writer = protobuf.Writer.create();
  if (id !== "") writer.uint32(10).string(id);
  writer.uint32(16).int32(code);
  if (detail !== "") writer.uint32(26).string(detail);
  if (status !== "") writer.uint32(34).string(status);
  return writer.finish();
}

export interface Details {
  micro?: MicroError;
  info?: Info;
}

/** What MicrorunErrors have beside their message. */
type Info = Pick<ErrorOptions, "reason" | "details" | "violations" | "retryMs">;

/** Bytes that make no sense say nothing: the status itself still holds. */
export function readDetails(bytes: Uint8Array): Details {
  const found: Details = {};
  try {
    eachField(bytes, (field, reader) => {
      if (field !== 3) return false;
      let url = "";
      let value: Uint8Array = new Uint8Array();
      eachField(reader.bytes(), (inner, any) => {
        if (inner === 1) url = any.string();
        else if (inner === 2) value = any.bytes();
        else return false;
        return true;
      });
      if (url === errorUrl) found.micro ??= readMicroError(value);
      const read = readers[url];
      if (read !== undefined) found.info = { ...read(value), ...found.info };
      return true;
    });
  } catch {
    // as above
  }
  return found;
}

function readMicroError(bytes: Uint8Array): MicroError {
  const error: MicroError = { id: "", code: 0, detail: "", status: "" };
  eachField(bytes, (field, reader) => {
    if (field === 1) error.id = reader.string();
    else if (field === 2) error.code = reader.int32();
    else if (field === 3) error.detail = reader.string();
    else if (field === 4) error.status = reader.string();
    else return false;
    return true;
  });
  return error;
}

const readers: Readonly<Record<string, (bytes: Uint8Array) => Info>> = {
  [infoUrl]: readErrorInfo,
  [badRequestUrl]: readBadRequest,
  [retryInfoUrl]: readRetryInfo,
};

function readErrorInfo(bytes: Uint8Array): Info {
  const info: Info = {};
  eachField(bytes, (field, reader) => {
    if (field === 1) info.reason = reader.string();
    else if (field === 3) {
      const entry = ["", ""];
      eachField(reader.bytes(), (inner, pair) => {
        if (inner !== 1 && inner !== 2) return false;
        entry[inner - 1] = pair.string();
        return true;
      });
      info.details = { ...info.details, [entry[0]!]: entry[1]! };
    } else return false;
    return true;
  });
  return info;
}

function readBadRequest(bytes: Uint8Array): Info {
  const violations: Violation[] = [];
  eachField(bytes, (field, reader) => {
    if (field !== 1) return false;
    const one = ["", ""];
    eachField(reader.bytes(), (inner, own) => {
      if (inner !== 1 && inner !== 2) return false;
      one[inner - 1] = own.string();
      return true;
    });
    violations.push({ field: one[0]!, description: one[1]! });
    return true;
  });
  return { violations };
}

function readRetryInfo(bytes: Uint8Array): Info {
  let retryMs = 0;
  eachField(bytes, (field, reader) => {
    if (field !== 1) return false;
    eachField(reader.bytes(), (inner, own) => {
      if (inner === 1) retryMs += Number(own.int64()) * 1000;
      else if (inner === 2) retryMs += own.int32() / 1e6;
      else return false;
      return true;
    });
    return true;
  });
  return { retryMs };
}

/** @param take false: not wanted */
function eachField(bytes: Uint8Array, take: (field: number, reader: protobuf.Reader) => boolean): void {
  const reader = protobuf.Reader.create(bytes);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (!take(tag >>> 3, reader)) reader.skipType(tag & 7);
  }
}
