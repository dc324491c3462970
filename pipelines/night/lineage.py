"""OpenLineage: what was made of what, as events added to a file that a catalog can read.

Each table that is taken in and each release is a run with a START and a COMPLETE or FAIL. Datasets are the
store's tables and releases, by the store's URL, and the raw files by their own. Of OpenLineage's client only
the types and the file transport are used: its front reads configuration from the environment, and asks git
about the folder that it happens to run in.
"""

from __future__ import annotations

import contextlib
import datetime
import importlib.util
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.night.inbox import Unit
from pipelines.release_inputs import OTHERS, Inputs
from pipelines.store.lease import Clock
from pipelines.store.releases import Release
from pipelines.store.store import Store
from pipelines.store.tables import (
    ALIASES,
    CONSENTS,
    DETECTIONS,
    LICENSES,
    MANIFESTS,
    OPT_OUTS,
    SIGNALS,
    Table,
)
from transforms.domain import schemas
from transforms.domain.errors import ByleaveError, ConfigError, StateError

_PRODUCER = "https://pypi.org/project/byleave"
_SCHEMAS = {
    MANIFESTS: schemas.MANIFEST,
    LICENSES: schemas.LICENSES,
    OPT_OUTS: schemas.OPT_OUTS,
    CONSENTS: schemas.CONSENTS,
    ALIASES: schemas.ALIASES,
    SIGNALS: schemas.SIGNALS,
    DETECTIONS: schemas.DETECTIONS,
}


class Run:
    """A run that is on its way: what it makes is told here, and is in its last event."""

    def __init__(self, lineage: Lineage) -> None:
        self._lineage = lineage
        self.outputs: list[Any] = []

    def made(self, table: Table) -> None:
        """The run made a table."""
        self.outputs += self._lineage.table(table, made=True)

    def published(self, release: Release) -> None:
        """The run published a release."""
        self.outputs += self._lineage.published(release)


class Lineage:
    """Events of one night, or none if there is no file for them.

    Events that cannot be written stop nothing: they are missing from the file, and that is among the problems
    of the night.
    """

    def __init__(self, file: Path | None, namespace: str, store: Store, clock: Clock) -> None:
        if file and importlib.util.find_spec("openlineage") is None:
            raise ConfigError(
                "[lineage] is configured, and openlineage-python is not installed: pip install"
                " 'byleave[lineage]'"
            )
        self.problems: list[ByleaveError] = []
        self._file = file
        self._namespace = namespace
        self._store = store
        self._clock = clock

    @contextlib.contextmanager
    def ingest(self, unit: Unit) -> Iterator[Run]:
        """Tells of the block as of a run that takes in ``unit``."""
        with self._run(f"ingest.{unit.kind}", self._raw(unit)) as run:
            yield run

    @contextlib.contextmanager
    def release(self, name: str, inputs: Inputs) -> Iterator[Run]:
        """Tells of the block as of a run that cuts a release of ``inputs``."""
        others = (getattr(inputs, name) for name in OTHERS)
        tables = [inputs.manifest, *(table for each in others for table in each)]
        with self._run(f"release.{name}", [each for table in tables for each in self.table(table)]) as run:
            yield run

    @contextlib.contextmanager
    def _run(self, job: str, inputs: Sequence[Any]) -> Iterator[Run]:
        run = Run(self)
        if self._file is None:
            yield run
            return
        from openlineage.client.uuid import generate_new_uuid

        run_id = str(generate_new_uuid())
        self._emit("START", job, run_id, inputs)
        try:
            yield run
        except Exception as error:
            self._emit("FAIL", job, run_id, inputs, error=error)
            raise
        except BaseException:  # Ctrl-C
            self._emit("ABORT", job, run_id, inputs)
            raise
        self._emit("COMPLETE", job, run_id, inputs, run.outputs)

    def _emit(
        self,
        state: str,
        job: str,
        run_id: str,
        inputs: Sequence[Any],
        outputs: Sequence[Any] = (),
        error: Exception | None = None,
    ) -> None:
        from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
        from openlineage.client.facet_v2 import error_message_run, job_type_job, processing_engine_run
        from openlineage.client.transport.file import FileConfig, FileTransport

        facets: dict[str, Any] = {
            "processing_engine": processing_engine_run.ProcessingEngineRunFacet(
                version=version("byleave"), name="byleave"
            )
        }
        if error:
            facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(str(error), "python")
        batch = job_type_job.JobTypeJobFacet("BATCH", "BYLEAVE", jobType="JOB")
        event = RunEvent(
            eventTime=datetime.datetime.fromtimestamp(self._clock(), datetime.UTC).isoformat(),
            eventType=RunState[state],
            run=Run(run_id, _signed(facets)),
            job=Job(self._namespace, f"{self._store.dataset.name}.{job}", _signed({"jobType": batch})),
            inputs=list(inputs),
            outputs=list(outputs),
            producer=_PRODUCER,
        )
        try:
            FileTransport(FileConfig(str(self._file), append=True)).emit(event)
        except RuntimeError as fault:
            if not self.problems:
                self.problems.append(StateError(f"{self._file}: lineage was not written ({fault})"))

    # --- Datasets ------------------------------------------------------------------------------------------

    def _raw(self, unit: Unit) -> list[Any]:
        if self._file is None:
            return []
        from openlineage.client.event_v2 import InputDataset

        return [InputDataset(*_raw_name(place)) for place in unit.stamps]

    def table(self, table: Table, *, made: bool = False) -> list[Any]:
        """A table as an input, or as what was made."""
        name = f"{table.kind}/{table.name}"
        schema = _SCHEMAS[table.kind]
        return self._dataset(name, table.digest, table.counts["rows"], schema, is_output=made)

    def published(self, release: Release) -> list[Any]:
        """A release as what was made."""
        kept = release.content["counts"]["kept"]
        return self._dataset(
            f"releases/{release.version}", release.digest, kept, schemas.ITEMS, is_output=True
        )

    def _dataset(self, name: str, digest: str, rows: int, schema: pa.Schema, *, is_output: bool) -> list[Any]:
        if self._file is None:
            return []
        from openlineage.client.event_v2 import InputDataset, OutputDataset
        from openlineage.client.facet_v2 import (
            dataset_version_dataset,
            datasource_dataset,
            input_statistics_input_dataset,
            output_statistics_output_dataset,
            schema_dataset,
        )

        url = self._store.url if "://" in self._store.url else f"file://{self._store.url}"
        field = schema_dataset.SchemaDatasetFacetFields
        fields = [field(each.name, str(each.type), ordinal_position=n) for n, each in enumerate(schema, 1)]
        facets = {
            "schema": schema_dataset.SchemaDatasetFacet(fields=fields),
            "version": dataset_version_dataset.DatasetVersionDatasetFacet(digest),
            "dataSource": datasource_dataset.DatasourceDatasetFacet(name=url, uri=url),
        }
        name = f"{self._store.dataset.name}/{name}"
        if is_output:
            written = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=rows)
            statistics = {"outputStatistics": written}
            return [OutputDataset(url, name, facets=_signed(facets), outputFacets=_signed(statistics))]
        read = input_statistics_input_dataset.InputStatisticsInputDatasetFacet(rowCount=rows)
        statistics = {"inputStatistics": read}
        return [InputDataset(url, name, facets=_signed(facets), inputFacets=_signed(statistics))]


def _signed(facets: dict[str, Any]) -> dict[str, Any]:
    """The facets, each with who says so."""
    for facet in facets.values():
        facet._producer = _PRODUCER
    return facets


def _raw_name(place: str) -> tuple[str, str]:
    """A raw file's namespace and name, as OpenLineage names files."""
    if "://" not in place:
        return "file", place
    scheme, _, rest = place.partition("://")
    bucket, _, name = rest.partition("/")
    return f"{scheme}://{bucket}", name
