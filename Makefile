# All of it is in run.py, which also works without make: python3 run.py (Windows: py run.py).
#   make run DATA=tickets.csv      make run ARGS="--tiny"      make test ARGS="-k stats"      make run PY=python3.12

PY ?= python3

.PHONY: run test slow lab check
run test slow lab check:
	@$(PY) "$(CURDIR)/run.py" $@ $(if $(DATA),--data "$(DATA)") $(ARGS)
