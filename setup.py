"""Packages of byleave; Beam workers install the sdist that this file describes."""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=["pipelines", "pipelines.*", "transforms", "transforms.*"]),
        "pipelines.sql",
        "pipelines.configs",
    ],
    # `sql` and `configs` are data. As top-level packages their names would collide with others' on
    # the worker, so they travel inside `pipelines`.
    package_dir={"pipelines.sql": "sql", "pipelines.configs": "configs"},
    package_data={
        "pipelines.sql": ["**/*.sql"],
        "pipelines.configs": ["**/*.toml"],
        "transforms.domain": ["*.csv"],
    },
)
