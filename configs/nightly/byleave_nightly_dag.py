"""An Airflow DAG (Airflow 3) that runs `byleave nightly` each night.

Put it into the folder of DAGs, and name the configuration in the environment of the workers, as
BYLEAVE_NIGHTLY=/etc/byleave/nightly.toml. `byleave` has to be on their PATH.

Exit codes 6 (another run is at work, the store does not answer, a list is still being written) and 9 (it is
not known whether a release is out) are worth another try. Every other fault stays until somebody sees to it.
"""

from __future__ import annotations

import datetime
import json
import os
import subprocess
from typing import Any

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException

RUN_AGAIN = (6, 9)


@dag(
    dag_id="byleave_nightly",
    schedule="30 2 * * *",
    start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    catchup=False,
    max_active_runs=1,
    tags=["byleave"],
)
def byleave_nightly() -> None:
    """Take in what is new, and publish what changed."""

    @task(retries=6, retry_delay=datetime.timedelta(minutes=10))
    def nightly() -> dict[str, Any]:
        """The summary, for the tasks that come after."""
        config = os.environ.get("BYLEAVE_NIGHTLY", "/etc/byleave/nightly.toml")
        run = subprocess.run(
            ["byleave", "nightly", config, "--json"], capture_output=True, text=True, check=False
        )
        print(run.stdout, run.stderr, sep="\n")
        if run.returncode in RUN_AGAIN:
            raise AirflowException(f"exit code {run.returncode}: {run.stderr}")
        if run.returncode:
            raise AirflowFailException(f"exit code {run.returncode}: {run.stderr}")
        summary: dict[str, Any] = json.loads(run.stdout)
        return summary

    nightly()


byleave_nightly()
