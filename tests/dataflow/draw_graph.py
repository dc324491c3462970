"""Draws jobs' graphs as DataflowRunner does, down to the request, and does not submit them.

`python draw_graph.py OUT STORE ASKED`, ASKED being JSON: by a name, a job and options. OUT/<name>/job.json is
the request; beside it lies what would be uploaded. Prints what the test asks of each graph, as JSON, by its
name. Runs where the `dataflow` extra is installed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import apache_beam
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.dataflow.internal.apiclient import DataflowApplicationClient

from pipelines import beam, dataflow
from pipelines.ingest_plans import PlanIndex, PlanLookMerge, PlanManifestMerge, PlanPartition
from pipelines.jobs import Job
from pipelines.release import release_job
from pipelines.release_inputs import Inputs
from pipelines.steps import index, merge, partition
from pipelines.store.store import Dataset
from pipelines.store.tables import MANIFESTS, Table

NOTHING = Inputs(Table(MANIFESTS, ""), (), (), "")
A_STORE: Any = SimpleNamespace(dataset=Dataset("d", "flickr", 16))
A_POLICY: Any = SimpleNamespace(observers=())
JOBS = {
    "manifest 2014-05": (
        (partition.STAGE, PlanPartition(())),
        (index.STAGE, PlanIndex(16)),
        (merge.STAGE, PlanManifestMerge(16, 100)),
    ),
    "licenses 2026-11-01": ((partition.STAGE, PlanPartition(())), (merge.STAGE, PlanLookMerge())),
    "release": release_job(A_STORE, NOTHING, A_POLICY).stages,
}


def main(out: str, store: str, asked: str) -> None:
    # The one question that is put to Cloud Storage before the request is made, and only for a warning.
    GoogleCloudOptions._warn_if_soft_delete_policy_enabled = lambda *_: None
    found = {
        name: draw(Path(out) / name, store, job, options)
        for name, (job, options) in json.loads(asked).items()
    }
    print(json.dumps(found))


def draw(folder: Path, store: str, name: str, options: list[str]) -> dict[str, Any]:
    folder.mkdir(parents=True)

    def stage(_: Any, place: str, file_name: str, stream: Any, *__: Any, **___: Any) -> None:
        assert place.startswith("gs://bucket/tmp"), place
        (folder / file_name).write_bytes(stream.read())

    DataflowApplicationClient.stage_file = stage
    # A template is the request, written down instead of sent.
    template = ["--template_location=gs://bucket/tmp/job.json", "--no_auth"]
    job = Job(name, JOBS[name])
    pipeline = apache_beam.Pipeline(options=PipelineOptions([*dataflow.filled(options, job.name), *template]))
    beam.build(pipeline, store, job, 0, "")
    pipeline.run()
    return _graph(beam_runner_api_pb2.Pipeline.FromString((folder / "pipeline.pb").read_bytes()))


def _graph(proto: Any) -> dict[str, Any]:
    parts = proto.components

    def coder(name: str) -> str:
        found = parts.coders[name]
        inner = ", ".join(coder(each) for each in found.component_coder_ids)
        return found.spec.urn.removeprefix("beam:coder:").removesuffix(":v1") + (
            f"({inner})" if inner else ""
        )

    transforms = list(parts.transforms.values())
    outputs = {each.unique_name: list(each.outputs.values()) for each in transforms}
    return {
        "labels": sorted(name for name in outputs if name),
        "coders": {n: [coder(parts.pcollections[o].coder_id) for o in outs] for n, outs in outputs.items()},
        "shuffles": sorted(
            t.unique_name for t in transforms if t.spec.urn == "beam:transform:group_by_key:v1"
        ),
        "environments": [
            {urn: int(value) for urn, value in each.resource_hints.items()}
            for each in parts.environments.values()
        ],
        "bounded": sorted({each.is_bounded for each in parts.pcollections.values()}),
        "bytes": len(proto.SerializeToString()),
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
