"""Container images without a Docker engine: built by buildah from ordinary Dockerfiles, kept as archives."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from modelmonitor_testbed.base_image import base_layer, recipe_hash
from modelmonitor_testbed.build_inputs import hash_inputs
from modelmonitor_testbed.buildah import buildah, buildah_succeeds, forget_old_layers
from modelmonitor_testbed.cache import cache_folder, cache_root, checkout_root, locked
from modelmonitor_testbed.debian import IMAGE_NEEDS, ensure
from modelmonitor_testbed.node.configuration import PAUSE_IMAGE
from modelmonitor_testbed.package_index import CERTIFICATES, render_pip_configuration
from modelmonitor_testbed.process import run
from modelmonitor_testbed.progress import step
from modelmonitor_testbed.tools import PROMETHEUS, PROMETHEUS_OPERATOR, ToolModule, tool

BASE_IMAGE = f"localhost/modelmonitor-testbed-base:{recipe_hash()}"

PROGRAM_IMAGES: Mapping[str, ToolModule] = {
    "prometheus": PROMETHEUS,
    "prometheus-operator": PROMETHEUS_OPERATOR,
    "prometheus-config-reloader": PROMETHEUS_OPERATOR,
}
"""Images of one static program each, which is named as the image is: name → the tool module that builds it."""


class UnknownImageError(RuntimeError):
    """No image has that short name; the message says which there are."""


@dataclass(frozen=True)
class ImageRecipe:
    """One image: its name, its Dockerfile and the folder that the Dockerfile copies from."""

    tag: str
    dockerfile: Path
    context: Path
    arguments: Mapping[str, str] = field(default_factory=dict)


def product_images() -> dict[str, ImageRecipe]:
    """Return the images of the product and of the testbed by a short name, those whose Dockerfile exists."""
    root = checkout_root()
    places = {
        "operator": ("localhost/modelmonitor-operator:dev", "operator/Dockerfile"),
        "sidecar": ("localhost/modelmonitor-sidecar:dev", "sidecar/Dockerfile"),
        "gpu": ("localhost/modelmonitor-testbed-gpu:dev", "testbed/images/gpu/Dockerfile"),
        "triton": ("localhost/modelmonitor-testbed-triton:dev", "testbed/images/triton/Dockerfile"),
    }
    recipes = {name: ImageRecipe(tag, root / path, root) for name, (tag, path) in places.items()}
    return {name: recipe for name, recipe in recipes.items() if recipe.dockerfile.exists()}


def build_image(recipe: ImageRecipe) -> Path:
    """Return the archive of an image, built now if its inputs have changed."""
    ensure(IMAGE_NEEDS)
    key = hash_inputs(recipe.dockerfile, recipe.context, {**recipe.arguments, "tag": recipe.tag, "base": recipe_hash()})
    target = cache_folder("images") / f"{_file_name(recipe.tag)}-{key}.tar"
    if target.exists():
        return target
    with locked("buildah"):
        if not target.exists():
            if "BASE_IMAGE" in recipe.dockerfile.read_text():
                _make_base()
            forget_old_layers()
            with step(f"image {recipe.tag}", "building", "built"):
                _build(recipe, target)
    return target


def pause_image() -> Path:
    """Return the archive of the image that holds each pod's namespaces."""
    ensure(IMAGE_NEEDS)
    source = checkout_root() / "testbed" / "images" / "pause"
    context = cache_folder("pause")
    shutil.copy(source / "Dockerfile", context / "Dockerfile")
    if not (context / "pause").exists():
        run(["gcc", "-Os", "-static", "-s", "-Wall", "-Werror", "-o", context / "pause", source / "pause.c"])
    return build_image(ImageRecipe(PAUSE_IMAGE, context / "Dockerfile", context))


def base_image() -> Path:
    """Return the archive of the base image itself, for pods that need no more than Python."""
    folder = cache_folder("base-only")
    (folder / "Dockerfile").write_text("ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\n")
    return build_image(ImageRecipe("localhost/modelmonitor-testbed-python:dev", folder / "Dockerfile", folder))


def program_tag(name: str) -> str:
    """Return the image name of a program of `PROGRAM_IMAGES`."""
    return f"localhost/modelmonitor-testbed-{name}:dev"


def program_image(name: str) -> Path:
    """Return the archive of the image of one program of `PROGRAM_IMAGES`, both built now if the cache lacks them."""
    dockerfile = checkout_root() / "testbed" / "images" / name / "Dockerfile"
    return build_image(ImageRecipe(program_tag(name), dockerfile, tool(PROGRAM_IMAGES[name], name).parent))


def named_image(name: str) -> Path:
    """Return the archive of any image by its short name; raise UnknownImageError with the known names for another."""
    recipes = product_images()
    if name in recipes:
        return build_image(recipes[name])
    if name in PROGRAM_IMAGES:
        return program_image(name)
    if name == "python":
        return base_image()
    raise UnknownImageError(f"no image is called {name}; there are {', '.join([*recipes, *PROGRAM_IMAGES, 'python'])}")


def _make_base() -> None:
    if buildah_succeeds("inspect", "--type=image", BASE_IMAGE):
        return
    layer = base_layer()
    with step("base image", "committing", "committed"):
        container = buildah("from", "scratch").strip()
        buildah("add", container, str(layer), "/")
        settings = ["--env", "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "--cmd", "python3"]
        buildah("config", *settings, container)
        buildah("commit", "--quiet", "--rm", container, BASE_IMAGE)


def _build(recipe: ImageRecipe, target: Path) -> None:
    arguments = {"BASE_IMAGE": BASE_IMAGE, **recipe.arguments}
    words = [f"--build-arg={name}={value}" for name, value in arguments.items()]
    mounts = [f"--volume={_pip_configuration()}:/etc/pip.conf:ro"]
    if CERTIFICATES.exists():
        mounts.append(f"--volume={CERTIFICATES}:{CERTIFICATES}:ro")
    how = ["--layers", "--network=host", "--pull-never", "--quiet"]
    where = ["--file", str(recipe.dockerfile), "--tag", recipe.tag, str(recipe.context)]
    buildah("build", *how, *words, *mounts, *where)
    unfinished = target.with_suffix(".part")
    unfinished.unlink(missing_ok=True)
    buildah("push", "--quiet", recipe.tag, f"docker-archive:{unfinished}:{recipe.tag}")
    for older in target.parent.glob(f"{_file_name(recipe.tag)}-*.tar"):
        older.unlink()
    unfinished.rename(target)


def _pip_configuration() -> Path:
    path = cache_root() / "pip.conf"
    path.write_text(render_pip_configuration())
    return path


def _file_name(tag: str) -> str:
    return tag.rpartition("/")[2].replace(":", "-")
