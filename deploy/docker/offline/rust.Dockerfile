# Stands for rust:*-slim-bookworm: gcc and this machine's Rust.
ARG DEBIAN
FROM ${DEBIAN}
# hadolint ignore=DL3008
RUN apt-get update -q \
 && apt-get install -yq --no-install-recommends gcc libc6-dev \
 && rm -rf /var/lib/apt/lists/*
COPY bin/cargo bin/rustc /usr/local/bin/
COPY lib /usr/local/lib
RUN ldconfig
ENV CARGO_HOME=/usr/local/cargo
