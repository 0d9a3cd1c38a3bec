# Stands for nats:*-alpine: PyPI's build of the same server, and a wget for the health check.
ARG DEBIAN
FROM ${DEBIAN}
# hadolint ignore=DL3008
RUN apt-get update -q \
 && apt-get install -yq --no-install-recommends wget \
 && rm -rf /var/lib/apt/lists/*
COPY bin/nats-server /usr/local/bin/nats-server
EXPOSE 4222 8222
ENTRYPOINT ["nats-server"]
