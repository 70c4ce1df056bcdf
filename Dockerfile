# One image, one program. The image brings redis-server, because with nothing
# configured the program runs a private one as its child.
FROM node:22-bookworm-slim AS pages
WORKDIR /src/web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY internal/httpapi/openapi.yaml /src/internal/httpapi/openapi.yaml
COPY web ./
RUN npm run build

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=pages /src/web/dist web/dist
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false \
    -ldflags "-s -w -X main.version=${VERSION}" \
    -o /out/qingyuan ./cmd/qingyuan

FROM debian:bookworm-slim
# No service is started while an image is built, and none is wanted later.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates redis-server tzdata \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 qingyuan \
    && useradd --system --uid 10001 --gid qingyuan --home-dir /data --no-create-home \
        --shell /usr/sbin/nologin qingyuan \
    && install -d -o qingyuan -g qingyuan -m 0700 /data
COPY --from=build /out/qingyuan /usr/local/bin/qingyuan
USER qingyuan
VOLUME /data
# 8080 serves participants. 9090 is for operators: other containers may read the
# metrics there, so never publish it.
ENV QINGYUAN_HTTP_OPS_ADDR=0.0.0.0:9090
EXPOSE 8080 9090
ENTRYPOINT ["qingyuan"]
CMD ["serve", "--data", "/data", "--addr", "0.0.0.0:8080"]
