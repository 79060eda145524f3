"""What people install: the wheel and the sdist, and the image, made with the Dockerfile's own steps in a folder."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import time
import venv
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import ZipFile

import pytest

from sessionworker.options import OPTIONS
from tests.ports import free_port
from tests.process import REPOSITORY, SETTINGS_PREFIXES

pytestmark = pytest.mark.slow

PLUGIN = "twisted/plugins/sessionworker_plugin.py"

NOT_IN_A_CHECKOUT = shutil.ignore_patterns(
    ".*", "__pycache__", "*.egg-info", "build", "dist", "node_modules", "dropin.cache", "instances", "secrets"
)

BUILD_TOOLS = ("pip", "setuptools", "wheel")


def run(*command: str | Path, folder: Path, path: str | None = None) -> str:
    """Run a program without the variables of this shell and this environment, and return what it wrote."""
    words = [str(word) for word in command]
    kept = {name: value for name, value in os.environ.items() if not name.startswith((*SETTINGS_PREFIXES, "PYTHON"))}
    done = subprocess.run(
        words,
        cwd=folder,
        env={**kept, "PATH": path or os.environ["PATH"], "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, f"{shlex.join(words)} ended with status {done.returncode}:\n{done.stdout}"
    return done.stdout


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that is not the checkout, where nothing of ours is found by chance."""
    return tmp_path_factory.mktemp("elsewhere")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout, so that a build leaves nothing behind in the real one."""
    copy = tmp_path_factory.mktemp("checkout") / "sessionworker"
    shutil.copytree(REPOSITORY, copy, ignore=NOT_IN_A_CHECKOUT)
    return copy


def assert_help_names_every_option(text: str) -> None:
    for option in OPTIONS:
        assert f"--{option.flag}" in text
    assert "--http-logs" in text


# The wheel and the sdist


@pytest.fixture(scope="module")
def distributions(checkout: Path, elsewhere: Path) -> dict[str, Path]:
    """The sdist of the checkout, and the wheel that is built of what the sdist holds."""
    run(sys.executable, "-m", "build", "--outdir", elsewhere / "dist", checkout, folder=elsewhere)
    (sdist,) = (elsewhere / "dist").glob("*.tar.gz")
    (wheel,) = (elsewhere / "dist").glob("*.whl")
    return {"sdist": sdist, "wheel": wheel}


def file_names(archive: Path) -> set[str]:
    """Return the files that an archive would unpack, without the folder that an sdist puts around them."""
    if archive.suffix == ".whl":
        with ZipFile(archive) as wheel:
            return set(wheel.namelist())
    with tarfile.open(archive) as sdist:
        return {name.partition("/")[2] for name in sdist.getnames()}


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_a_distribution_carries_the_plugin_the_types_and_the_licence(distributions: dict[str, Path], kind: str) -> None:
    names = file_names(distributions[kind])
    assert names >= {PLUGIN, "sessionworker/py.typed"}
    assert any(name.endswith("LICENSE") for name in names)


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_a_distribution_puts_nothing_of_its_own_into_twisteds_packages_but_the_plugin(
    distributions: dict[str, Path], kind: str
) -> None:
    names = file_names(distributions[kind])
    assert {name for name in names if name.startswith("twisted/") and name.endswith((".py", ".cache"))} == {PLUGIN}


def test_the_wheel_holds_the_package_and_the_plugin_and_nothing_else(distributions: dict[str, Path]) -> None:
    folders = {name.partition("/")[0] for name in file_names(distributions["wheel"])}
    assert {name for name in folders if not name.endswith(".dist-info")} == {"sessionworker", "twisted"}


def test_the_wheel_that_the_sdist_gives_installs_into_a_clean_environment_and_twistd_knows_the_worker(
    distributions: dict[str, Path], elsewhere: Path
) -> None:
    programs = elsewhere / "wheel" / "bin"
    venv.create(programs.parent)  # by the pip of here: to install one there takes as long as all the rest
    pip = (sys.executable, "-m", "pip", "--python", programs / "python")
    run(*pip, "install", "--no-compile", distributions["wheel"], folder=elsewhere)
    assert_help_names_every_option(run(programs / "twistd", "sessionworker", "--help", folder=elsewhere))


# The image


@dataclass
class Stage:
    """One FROM of a Dockerfile, and what follows it."""

    base: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def value(self, instruction: str) -> str:
        """Return what is said with an instruction that occurs once."""
        (value,) = (value for name, value in self.steps if name == instruction)
        return value


def read_dockerfile() -> list[Stage]:
    """Read the Dockerfile's stages: comments dropped, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (REPOSITORY / "Dockerfile").read_text(), flags=re.MULTILINE)
    stages: list[Stage] = []
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        instruction, _, value = line.partition(" ")
        if instruction == "FROM":
            stages.append(Stage(value.partition(" ")[0]))
        elif instruction:
            stages[-1].steps.append((instruction, value))
    return stages


@dataclass
class Image:
    """A folder that stands for the root of an image."""

    root: Path

    @property
    def base(self) -> Path:
        """Where the base image's Python is."""
        return self.root / "base"

    def inside(self, text: str) -> str:
        """Return `text` with the image's absolute paths moved into the folder."""
        return re.sub(r"(?<!\S)/(?=build|opt)", f"{self.root}/", text)

    def command(self, instruction: str) -> list[str]:
        """Return the program and arguments of an ENTRYPOINT or HEALTHCHECK, which must be in exec form."""
        _, bracket, words = read_dockerfile()[-1].value(instruction).partition("[")
        return [self.inside(word) for word in json.loads(bracket + words)]


def copy_into(target: Path, *sources: Path) -> None:
    """Copy as COPY does: of a folder what is in it, a file under its own name."""
    for source in sources:
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shutil.copy2(source, target)


@pytest.fixture(scope="module")
def image(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Carry out every COPY and RUN of the Dockerfile, but for the making of the user."""
    made = Image(tmp_path_factory.mktemp("image"))
    venv.create(made.base, with_pip=True)
    # The base image has pip alone; a new environment of Python 3.11 has setuptools, too.
    run(made.base / "bin" / "pip", "uninstall", "--yes", "setuptools", folder=made.root)
    for stage in read_dockerfile():
        folder = made.root
        for instruction, value in stage.steps:
            if instruction == "WORKDIR":
                folder = Path(made.inside(value))
                folder.mkdir(parents=True)
            elif instruction == "COPY" and not value.startswith("--from="):
                *sources, target = value.split()
                copy_into(folder / target, *(checkout / source for source in sources))
            elif instruction == "RUN" and "useradd" not in value:
                run("/bin/sh", "-ec", made.inside(value), folder=folder, path=f"{made.base}/bin:/usr/bin:/bin")
    return made


def test_the_image_starts_the_worker_as_its_first_process_with_the_options_given_to_it(
    image: Image, elsewhere: Path
) -> None:
    assert_help_names_every_option(run(*image.command("ENTRYPOINT"), "--help", folder=elsewhere))


def test_the_image_has_its_plugin_cache_and_a_start_does_not_write_it_again(image: Image, elsewhere: Path) -> None:
    (cache,) = image.root.glob("opt/sessionworker/lib/python*/site-packages/twisted/plugins/dropin.cache")
    assert b"sessionworker_plugin" in cache.read_bytes()
    before = cache.stat()
    run(*image.command("ENTRYPOINT"), "--help", folder=elsewhere)
    assert (cache.stat().st_mtime_ns, cache.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_the_image_carries_what_encryption_and_tls_need(image: Image, elsewhere: Path) -> None:
    programs = image.root / "opt/sessionworker/bin"
    assert " is the first one in " in run(programs / "sessionworker-key", "make", elsewhere / "key", folder=elsewhere)
    code = "import cryptography, OpenSSL, service_identity, twisted.internet.ssl"
    assert run(programs / "python", "-I", "-c", code, folder=elsewhere) == ""


def test_in_the_image_an_operator_types_commands_and_needs_no_token_for_it(image: Image, elsewhere: Path) -> None:
    """As `docker exec` does: with the variables that the image has, and no others."""
    program = image.root / "opt/sessionworker/bin/sessionworker"
    port, store = free_port(), elsewhere / "data"
    environment = {"PATH": "/usr/bin:/bin", "SESSIONWORKER_STORE": str(store)}
    command = [*image.command("ENTRYPOINT"), "--listen", f"tcp:{port}:interface=127.0.0.1"]

    def typed(*words: str) -> subprocess.CompletedProcess[str]:
        given = {**environment, "SESSIONWORKER_URL": f"http://127.0.0.1:{port}"}
        return subprocess.run(
            [program, *words], env=given, cwd=elsewhere, check=False, capture_output=True, text=True, timeout=120
        )

    with subprocess.Popen(command, env=environment, cwd=elsewhere, stdout=subprocess.DEVNULL) as worker:
        try:
            deadline = time.monotonic() + 60
            while (done := typed("status")).returncode != 0 and time.monotonic() < deadline:
                time.sleep(0.1)
            assert "Nothing needs a person." in done.stdout, done
            assert f"the process {worker.pid}" in typed("doctor", "--store", str(store)).stdout
        finally:
            worker.terminate()
    assert typed("status").returncode == 10
    assert typed("--store", str(store), "status").returncode == 0


def test_the_image_carries_what_a_database_needs(image: Image, elsewhere: Path) -> None:
    code = "import psycopg, psycopg_pool, psycopg_binary"
    assert run(image.root / "opt/sessionworker/bin/python", "-I", "-c", code, folder=elsewhere) == ""


@pytest.mark.parametrize("part", ["base", "opt/sessionworker"])
def test_the_image_holds_no_tool_that_installs_or_builds(image: Image, elsewhere: Path, part: str) -> None:
    code = f"import importlib.util; print([name for name in {BUILD_TOOLS} if importlib.util.find_spec(name)])"
    assert run(image.root / part / "bin" / "python", "-I", "-c", code, folder=elsewhere) == "[]\n"
    assert sorted(image.root.glob(f"{part}/bin/pip*")) == []


def test_the_images_health_check_says_in_one_line_that_nothing_answers(image: Image, elsewhere: Path) -> None:
    command = [*image.command("HEALTHCHECK"), "http://127.0.0.1:1/health"]
    done = subprocess.run(command, cwd=elsewhere, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout == ""
    assert re.fullmatch(r"sessionworker: http://127\.0\.0\.1:1/health does not answer: .*refused\n", done.stderr)


def test_both_stages_stand_on_the_same_slim_base() -> None:
    builder, result = read_dockerfile()
    assert builder.base == result.base
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", result.base)


def test_the_image_runs_as_a_user_who_owns_the_store_and_nothing_else() -> None:
    result = read_dockerfile()[-1]
    assert result.value("USER") == "5656:5656"
    (making,) = (value for name, value in result.steps if name == "RUN" and "useradd" in value)
    assert "groupadd --gid 5656 " in making
    assert "useradd --uid 5656 --gid 5656 " in making
    assert "install --directory --owner=5656 --group=0 --mode=0770 /data" in making
    names = [name for name, _ in result.steps]
    assert names.index("RUN") < names.index("VOLUME"), "a volume takes over the owner that the folder has by then"


def test_the_image_keeps_its_store_in_a_volume_and_is_stopped_by_sigterm() -> None:
    result = read_dockerfile()[-1]
    assert result.value("VOLUME") == "/data"
    assert ("ENV", "SESSIONWORKER_STORE=/data") in result.steps
    assert result.value("EXPOSE") == "5656"
    assert result.value("STOPSIGNAL") == "SIGTERM"


def test_nothing_but_what_the_build_copies_goes_to_the_builder() -> None:
    copied = {source for name, value in read_dockerfile()[0].steps if name == "COPY" for source in value.split()[:-1]}
    lines = (REPOSITORY / ".dockerignore").read_text().splitlines()
    assert "*" in lines
    assert {line[1:] for line in lines if line.startswith("!")} == copied
