"""What is asked of a cluster before the first job: versions, GPUs, ranks, disk and access, each answered with a remedy."""
