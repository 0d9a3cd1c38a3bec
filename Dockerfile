# The workspace is compiled once; then one small image per service is made of it:
#
#   docker build --target service --build-arg SERVICE=product .
#   docker build --target launcher .       the one-shots: secrets, databases, seeding
#   docker build --target load .           the load generator
#   docker build --target serverless .     the functions on the local Lambda host
#
# No `# syntax=` line: it would have to be pulled, and the engine's own frontend suffices.
FROM rust:1.95-slim-bookworm AS build
# The launcher remembers where its workspace was; the images below keep data and template at the same place.
WORKDIR /bothways
COPY . .
# `container-test` is compiled quicker, and slower.
ARG PROFILE=container
# Dependencies and whatever has not changed stay compiled in the cache, apart from the sources' layer.
RUN --mount=type=cache,id=bothways-target,target=/bothways/target,sharing=locked \
    --mount=type=cache,id=bothways-registry,target=/usr/local/cargo/registry,sharing=locked \
    deploy/docker/build /out "$PROFILE"

# The few libraries that Rust's binaries need, CA certificates, and how names are looked up.
FROM scratch AS base
COPY --from=build /out/root/ /
# What is freed goes back to the system at once. mimalloc, which services have, keeps it for a second and then waits for the
# next who needs memory (pictures and an index in the making take much, and then nothing for long); glibc, which libraries
# in C use and functions, keeps it for each thread's heap and learns to keep more.
ENV LISTEN=0.0.0.0:8080 \
    MIMALLOC_PURGE_DELAY=0 \
    MALLOC_ARENA_MAX=2 \
    MALLOC_MMAP_THRESHOLD_=1048576 \
    MALLOC_TRIM_THRESHOLD_=1048576
USER 10000:10000
EXPOSE 8080

FROM base AS service
ARG SERVICE
COPY --from=build /out/bin/${SERVICE}-service /service
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 CMD ["/service", "healthcheck"]
ENTRYPOINT ["/service"]

FROM base AS launcher
COPY --from=build /out/bin/bothways /bothways/bin/bothways
COPY data /bothways/data
HEALTHCHECK NONE
ENTRYPOINT ["/bothways/bin/bothways", "container"]

FROM base AS load
COPY --from=build /out/bin/load /load
HEALTHCHECK NONE
ENTRYPOINT ["/load"]

FROM base AS serverless
COPY --from=build /out/bin/bothways /bothways/bin/bothways
COPY --from=build /out/functions/ /bothways/bin/
COPY data /bothways/data
COPY deploy/aws/template.yaml /bothways/deploy/aws/template.yaml
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 CMD ["/bothways/bin/bothways", "container", "healthcheck"]
ENTRYPOINT ["/bothways/bin/bothways", "container", "serverless"]
