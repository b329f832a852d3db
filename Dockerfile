# A pre-initialised image: mount or copy a handler module and name it.
#   docker build -t microrun .
#   docker run --read-only -p 8080:8080 -v ./greeter.ts:/app/greeter.ts microrun /app/greeter.ts
# What `microrun image` puts services on is its first stage alone:
#   docker build --target base -t microrun/base:3.22 .

# musl 1.2.5 or later (Alpine 3.20): earlier ones crash
FROM alpine:3.22 AS base
RUN apk add --no-cache ca-certificates libgcc libstdc++ tzdata \
 && addgroup -S -g 65532 microrun \
 && adduser -S -D -H -h / -s /sbin/nologin -u 65532 -G microrun microrun
WORKDIR /app
USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGTERM

FROM node:24-alpine3.22 AS build
WORKDIR /src
COPY package.json package-lock.json ./
# on Alpine npm brings the musl build of Bun, so what it compiles runs on Alpine
RUN npm ci --omit=dev
COPY tsconfig.json bunfig.toml ./
COPY proto proto
COPY scripts scripts
COPY src src
RUN npm run build

FROM base
COPY --from=build /src/dist/microrun /usr/local/bin/microrun
# an address given by MICRO_SERVER_ADDRESS is asked too; one given as an argument needs --health-cmd
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["microrun", "probe", "--http=/livez"]
ENTRYPOINT ["microrun"]
