/** What a peer did that costs it the connection (RFC 9113 §5.4.1): told to it in GOAWAY. */

export class ConnectionError extends Error {
  /** One of `errorCodes`. */
  readonly code: number;

  constructor(code: number, reason: string) {
    super(reason);
    this.code = code;
  }
}
