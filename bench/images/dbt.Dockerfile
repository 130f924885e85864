# The dbt image of a project, with what makes the comparison fair: its parsed state for exactly the arguments that all
# peers but podbt's own runner give dbt. Without it each of their pods would parse the whole project anew.
ARG BASE_IMAGE
FROM ${BASE_IMAGE} AS parsed
ARG PROFILE_ARGUMENTS
COPY profiles.yml /tmp/profiles/profiles.yml
RUN ["sh", "-c", "dbt parse --project-dir /project --profiles-dir /tmp/profiles --target-path /tmp/target --log-path /tmp/logs ${PROFILE_ARGUMENTS}"]

FROM ${BASE_IMAGE}
COPY --from=parsed /tmp/target/partial_parse.msgpack /opt/bench/
