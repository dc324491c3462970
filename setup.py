"""Packages of byleave; Beam workers install the sdist that this file describes."""

from setuptools import find_namespace_packages, find_packages, setup

# How byleave is deployed is no part of what is deployed.
_DEPLOYED = ["dataflow", "flink"]


def _data(folder: str) -> list[str]:
    """A folder of data and its subfolders, as packages inside `pipelines`.

    As top-level packages `sql` and `configs` would collide with others' on a worker.
    """
    return [
        f"pipelines.{name}"
        for name in [
            folder,
            *(f"{folder}.{each}" for each in find_namespace_packages(folder, exclude=_DEPLOYED)),
        ]
    ]


setup(
    packages=[
        *find_packages(include=["pipelines", "pipelines.*", "transforms", "transforms.*"]),
        *_data("sql"),
        *_data("configs"),
    ],
    package_dir={"pipelines.sql": "sql", "pipelines.configs": "configs"},
    package_data={"": ["*.sql", "*.toml", "*.csv"]},
)
