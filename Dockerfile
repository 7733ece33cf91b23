# syntax=docker/dockerfile:1

# The build runs on the builder's own platform and compiles for the target's. The
# tag is of the newest patch of Go; `docker build --pull` fetches it anew.
FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=unknown
ARG REVISION=unknown
ARG BRANCH=
ARG BUILD_DATE=
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false \
    -ldflags "-s -w -X github.com/prometheus/common/version.Version=$VERSION -X github.com/prometheus/common/version.Revision=$REVISION -X github.com/prometheus/common/version.Branch=$BRANCH -X github.com/prometheus/common/version.BuildDate=$BUILD_DATE" \
    -o /browseruse_exporter .

# One static program, so that a health check can be made within the container
# where, as with Compose, there is no probe from outside.
FROM busybox:1.37.0-musl AS probe

# Nothing but the binary, the CA certificates and wget. There is no shell.
FROM scratch
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="browseruse_exporter" \
      org.opencontainers.image.description="Prometheus exporter for the browser sessions of Browser Use Cloud" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=probe /bin/wget /bin/wget
COPY --from=build /browseruse_exporter /browseruse_exporter
USER 65532:65532
EXPOSE 10042
ENTRYPOINT ["/browseruse_exporter"]
