# Stands in for nats:2.15-alpine where images cannot be pulled: the same server, and wget.
FROM debian:12-slim
RUN apt-get update && apt-get install -y --no-install-recommends busybox && ln -s /bin/busybox /usr/local/bin/wget
COPY nats-server /usr/local/bin/nats-server
ENTRYPOINT ["nats-server"]
