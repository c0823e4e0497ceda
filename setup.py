"""Lists the packages; everything else is in pyproject.toml.

``resources/`` lies beside the code, so that people find and edit it, and is installed as the data package
``initviz_resources``. ``initviz.resources`` knows both places.
"""

from setuptools import find_namespace_packages, find_packages, setup

setup(
    packages=[
        *find_packages(include=["initviz", "initviz.*"]),
        "initviz_resources",
        *(f"initviz_resources.{folder}" for folder in find_namespace_packages("resources")),
    ],
    package_dir={"initviz_resources": "resources"},
    package_data={"initviz": ["py.typed"], "initviz_resources": ["**/*"]},
    py_modules=[],
)
