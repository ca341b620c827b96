"""vLLM as an engine, on GPUs and CPUs."""
