"""The answers to sensitive prompts as a page: a prompt a section, a column for each setting of the tags. All text is escaped."""

from collections.abc import Sequence

from jinja2 import Environment

from humpback_exp.records import TaggedAnswer

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Sensitive prompts: {{ name }}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 80rem; margin: auto; padding: 1rem; }
.answers { display: grid; grid-template-columns: repeat(auto-fit, minmax(16rem, 1fr)); gap: 1rem; }
.answers > div { border-left: 3px solid #999; padding-left: .7rem; overflow-wrap: anywhere; }
.answers > .refused { border-color: #0a6; }
p { white-space: pre-wrap; margin: .2rem 0; }
table { border-collapse: collapse; } td, th { padding: .2rem .8rem; text-align: left; }
</style>
<h1>Sensitive prompts: {{ name }}</h1>
<table><tr><th>tags<th>refused<th>of
{% for tags, rows in settings.items() %}
<tr><td>{{ tags }}<td>{{ rows | selectattr("refused") | list | length }}<td>{{ rows | length }}{% endfor %}</table>
{% for instruction, rows in prompts.items() %}
<h2>{{ instruction }}</h2>
<div class="answers">{% for row in rows %}
<div{% if row.refused %} class="refused"{% endif %}><strong>{{ row.tags }}</strong>
{% if row.refused %}refused{% endif %}{% if row.dropped %} ({{ row.dropped }}){% endif %}
<p>{{ row.answer }}</p></div>{% endfor %}</div>
{% endfor %}</html>
"""


def page(name: str, rows: Sequence[TaggedAnswer]) -> str:
    """The page of a model's answers, in the order of the rows."""
    settings: dict[str, list[TaggedAnswer]] = {}
    prompts: dict[str, list[TaggedAnswer]] = {}
    for row in rows:
        settings.setdefault(row.tags, []).append(row)
        prompts.setdefault(row.instruction, []).append(row)
    template = Environment(autoescape=True).from_string(PAGE)
    return template.render(name=name, settings=settings, prompts=prompts)
