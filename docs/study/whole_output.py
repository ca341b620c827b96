"""A loop's candidates by the nats that the instruction saves on the whole output, where `likelihood` takes them a token.

python docs/study/whole_output.py LOOP > FILE    ranks from 1 to 5, for scorer=given
"""

import json
import sys
from pathlib import Path

from transformers import AutoTokenizer

from humpback_exp.data.tokenize import target_ids
from humpback_exp.records import ScoredCandidate, read


def main(loop: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(loop / "models" / "m0")
    saved = {
        row.id: row.forward * len(target_ids(tokenizer, row.output))
        for row in read(loop / "scored" / "m0", ScoredCandidate)
        if row.forward is not None
    }
    for place, id in enumerate(sorted(saved, key=lambda id: (saved[id], id))):
        print(json.dumps({"id": id, "score": 1 + 4 * place / (len(saved) - 1)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
