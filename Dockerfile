# A pre-initialised image: mount or copy a handler module and name it.
#   docker build -t microrun .
#   docker run -p 8080:8080 -v ./greeter.ts:/app/greeter.ts microrun /app/greeter.ts

FROM node:24-alpine3.22 AS build
WORKDIR /src
COPY package.json package-lock.json ./
# on Alpine npm brings the musl build of Bun, so what it compiles runs on Alpine
RUN npm ci --omit=dev
COPY tsconfig.json bunfig.toml ./
COPY scripts scripts
COPY proto proto
COPY src src
RUN npm run build

# musl 1.2.5 or later (Alpine 3.20): earlier ones crash
FROM alpine:3.22
RUN apk add --no-cache ca-certificates libgcc libstdc++ tzdata
COPY --from=build /src/dist/microrun /usr/local/bin/microrun
WORKDIR /app
USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["microrun", "probe", "--server_name=service", "--server_address=127.0.0.1:8080"]
ENTRYPOINT ["microrun"]
