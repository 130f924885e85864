# podbt's Airflow image with the DAGs of the benchmark and, for Cosmos and DbtModelGroup, the projects' compiled graphs.
ARG BASE_IMAGE
ARG DENTAL_IMAGE
ARG SYNTH_IMAGE
FROM ${DENTAL_IMAGE} AS dental
FROM ${SYNTH_IMAGE} AS synth
FROM ${BASE_IMAGE}
COPY --from=dental /opt/podbt/baked/manifest.json /opt/podbt/baked/plan.json /opt/bench/projects/dental/
COPY --from=synth /opt/podbt/baked/manifest.json /opt/podbt/baked/plan.json /opt/bench/projects/synth/
COPY peers/ /opt/bench/lib/bench/peers/
COPY dags/ /opt/bench/dags/
ENV PYTHONPATH=/opt/bench/lib
COPY profiles.yml /opt/bench/projects/
