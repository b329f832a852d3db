/** The flags that say how calls are served: their time, and which pages may make them. */

export const servingFlags = {
  grpc_timeout: {
    type: "duration",
    about: "How long a call without a stream may take that is served by gRPC, whatever its caller says.",
    example: "1s",
    default: "0",
  },
  http_timeout: {
    type: "duration",
    about: "The same over HTTP, the module's own fetch among it.",
    example: "1s",
    default: "0",
  },
  docs: {
    type: "boolean",
    about: "Serve /openapi.json, and /docs, a page to read and try it, where the module has none of its own.",
    example: "false",
    default: "true",
    inCluster: "false",
  },
  cors_origins: {
    type: "origins",
    about: "Origins of the web pages that may call over HTTP (CORS), repeatable; * for any.",
    example: "https://shop.example",
    otherwise: "none but the service's own",
  },
  cors_methods: {
    type: "tokens",
    about: "What such pages may ask by, repeatable.",
    example: "GET,POST",
    default: "GET,HEAD,POST,PUT,PATCH,DELETE",
  },
  cors_headers: {
    type: "tokens",
    about: "The fields that such pages may send, repeatable.",
    example: "content-type,authorization",
    otherwise: "any",
  },
} as const;
