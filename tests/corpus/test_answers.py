"""What attributes say is asked once a value, and long values are not kept."""

from humpback_exp.corpus import answers
from humpback_exp.corpus.answers import MAX_CHARS, Answers


def test_a_value_is_asked_once_and_a_long_one_every_time():
    asked = []
    lengths = Answers(lambda value: asked.append(value) or len(value))
    long = "x" * (MAX_CHARS + 1)
    assert [lengths[value] for value in ("nav", "nav", long, long, None, "")] == [3, 3, 201, 201, None, None]
    assert asked == ["nav", long, long]
    assert lengths == {"nav": 3, None: None, "": None}


def test_the_table_is_begun_again_when_it_is_full(monkeypatch):
    monkeypatch.setattr(answers, "MAX_ANSWERS", 2)
    lengths = Answers(len)
    assert [lengths["a" * size] for size in (1, 2, 3, 4)] == [1, 2, 3, 4]
    assert lengths == {"aaaa": 4}
