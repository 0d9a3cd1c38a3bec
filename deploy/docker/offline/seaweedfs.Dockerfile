# Stands for chrislusf/seaweedfs: PyPI's build of the same program, and a wget for the health check.
ARG DEBIAN
FROM ${DEBIAN}
# hadolint ignore=DL3008
RUN apt-get update -q \
 && apt-get install -yq --no-install-recommends wget \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -m 1777 /data
COPY bin/weed /usr/bin/weed
EXPOSE 8333
VOLUME /data
ENTRYPOINT ["weed"]
