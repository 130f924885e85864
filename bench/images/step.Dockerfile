# A container that stands for a dbt run where what is measured is Airflow: it sleeps and leaves the runner's message.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
COPY step /opt/bench/step
USER 65532:65532
ENTRYPOINT ["/bin/sh", "/opt/bench/step"]
