"""Run by Airflow's Python: `python look_at_dag.py FOLDER`. Prints what Airflow makes of the DAG there.

Its task is run once for each exit code that `byleave` may end with; the `byleave` on PATH is the test's.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from typing import Any

from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import AirflowException, AirflowFailException


def outcome(task: Any, code: int) -> Any:
    """What the task returns, or whether it may be tried again."""
    os.environ["EXIT_CODE"] = str(code)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            return task.python_callable()
    except AirflowFailException as error:
        return ["failed", str(error)]
    except AirflowException as error:
        return ["again", str(error)]


def main(folder: str) -> None:
    with contextlib.redirect_stdout(sys.stderr):
        bag = DagBag(folder)
        (dag,) = bag.dags.values()
        (task,) = dag.tasks
        found = {
            "import_errors": bag.import_errors,
            "dag": dag.dag_id,
            "schedule": dag.schedule,
            "catchup": dag.catchup,
            "max_active_runs": dag.max_active_runs,
            "task": task.task_id,
            "retries": task.retries,
            "outcomes": {code: outcome(task, code) for code in range(10)},
        }
    json.dump(found, sys.stdout)


main(sys.argv[1])
