"""Each ablation of the paper, with its claim."""

from humpback_exp.analysis import placement
from humpback_exp.analysis.ablation import Ablation, by_folder

PAPER_LR = 1e-5
WEB, EXAMPLES = "web pairs", "training examples"
CURATION = ("data.min_score", "data.top_fraction", "data.size")
MIXTURE = (*CURATION, "data.seed_path", "data.seed_size", "data.scored")


ABLATIONS = {
    ablation.name: ablation
    for ablation in (
        Ablation(
            name="curation_threshold",
            title="What curation brings at equal size",
            place=placement.by_curation,
            keys=CURATION,
            x=WEB,
            ends=("no curation", "A5"),
            claim="The stricter the curation, the better the model at every size; uncurated pairs bring nothing over the seed.",
        ),
        Ablation(
            name="data_size",
            title="Whether more curated data helps",
            place=placement.by_curation,
            keys=CURATION,
            x=WEB,
            ends=("A5", "A5"),
            along=True,
            numbers="curation_threshold",
            claim="With curated pairs the win rate grows with their number; without curation it does not.",
        ),
        Ablation(
            name="data_efficiency",
            title="What more examples bring, by where they come from",
            place=placement.by_source,
            keys=MIXTURE,
            x=EXAMPLES,
            ends=("seed + A5", "seed + A5"),
            also="data_size",
            along=True,
            claim="Per e-fold of data the curated pairs bring more than any other set: alpha is 6.95, and 4.43 for Open Assistant.",
        ),
        Ablation(
            name="tags",
            title="Whether telling seed from web pairs helps",
            place=placement.by_tags,
            keys=("data.tagged", "tags"),
            ends=("untagged, asked with none", "tagged, asked with S_a + S_w"),
            claim="Tags in training and both at inference are the best of four settings, by 6.5 points over none at all.",
        ),
        Ablation(
            name="model_scale",
            title="What a larger base model brings",
            place=placement.by_base,
            keys=("model.path", "data.scored", "data.min_score", "data.top_fraction"),
            x="billion parameters",
            ends=("seed + A5", "seed + A5"),
            along=True,
            claim="Larger base models give better models, and neither 7B nor 65B has had enough at 40,000 pairs.",
        ),
        Ablation(
            name="joint",
            title="Seed, augmented pairs, or both",
            place=placement.by_mixture,
            keys=MIXTURE,
            x=EXAMPLES,
            ends=("seed alone", "seed + A5"),
            each_largest=True,
            claim="Both together do far better than either; augmented pairs alone help only when curated, and less than the seed. "
            "The curves of augmented pairs alone are printed as a figure without numbers.",
        ),
        Ablation(
            name="iterations",
            title="What each round of self-curation brings",
            place=placement.by_round,
            by_round=True,
            keys=("data.scored", "data.min_score", "data.top_fraction"),
            claim="A second round selects better (precision 0.44 to 0.52, recall 0.09 to 0.44 by Table 7). "
            "No win rate of M1 against M2 is given.",
        ),
        Ablation(
            name="selector",
            title="Who should choose the pairs",
            place=placement.by_selector,
            keys=("data.scored",),
            ends=("M0", "M1"),
            claim="After 100 selected pairs, those chosen by M1 serve slightly better than those chosen by M0, and GPT-4's best.",
        ),
        Ablation(
            name="learning_rate",
            title="Which learning rate",
            place=placement.by_rate,
            keys=("optim.lr", "optim.end_lr"),
            x="learning rate",
            baseline=PAPER_LR,
            claim="The paper states 1e-5, falling to 9e-6, and reports no search.",
        ),
        Ablation(
            name="rubric_and_scorer",
            title="How to rate",
            place=placement.by_scorer,
            baseline=placement.PAPER_SCORER,
            keys=("data.scored", "data.min_score", "data.top_fraction"),
            claim="The paper uses one rubric with written ratings and compares no other.",
        ),
    )
}


def ablation_of(group: str) -> Ablation:
    """The paper's of this name, else a sweep of the user's own."""
    return ABLATIONS.get(group) or by_folder(group)
