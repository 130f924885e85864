"""The driver behind `make up`: a local kind cluster, the images, the chart, and a real nightly run."""
