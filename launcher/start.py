"""`python3 run.py`: from nothing to a running product, then watch over it until told to stop."""

import os
import socket
from contextlib import closing

from launcher.address import Address
from launcher.browser_files import ensure_browser_files
from launcher.environment import ensure_environment, only_launcher_installing
from launcher.failures import LaunchFailure
from launcher.first_start import FirstStart
from launcher.places import Home
from launcher.product import Product
from launcher.servers import start_servers
from launcher.settings_file import settle_settings
from launcher.steps import Steps
from launcher.supervisor import Supervisor

READY_LIMIT_S = 300.0


def run_product(*, home: Home, address: Address, steps: Steps) -> None:
    """Start everything, say so, and keep it running; returns only by an exception.

    Raises LaunchFailure when a part does not start, StopRequested when a signal came.
    """
    home.prepare()
    with Supervisor(home, say=steps.say) as supervisor:
        check_port_is_free(address)
        with only_launcher_installing():
            ensure_environment(steps)
            ensure_browser_files(steps)
        links = bring_up(home=home, address=address, supervisor=supervisor, steps=steps)
        steps.say(farewell(address, links, home, steps.seconds))
        supervisor.keep()


def bring_up(*, home: Home, address: Address, supervisor: Supervisor, steps: Steps) -> str:
    """Start servers, prepare the database, start the programs; returns the sign-in links."""
    settings = settle_settings(home=home, environment=os.environ, address=address)
    start_servers(home=home, settings=settings, supervisor=supervisor, steps=steps)
    product = Product(home=home, settings=settings.values, address=address, inherited=os.environ)
    with steps.step("Database tables"):
        product.manage("migrate", "--no-input", "--verbosity=0")
    first = FirstStart(product=product, steps=steps)
    first.make_model()
    first.make_demo()
    with steps.step("Web process and workers"):
        for program in product.programs():
            supervisor.start(program)
        product.wait_until_ready(supervisor, seconds=READY_LIMIT_S)
    first.wait_for_embeddings()
    with steps.step("Sign-in links"):
        return product.manage("sign_in_links")


def check_port_is_free(address: Address) -> None:
    """Raise LaunchFailure with what to do when somebody else listens there."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with closing(socket.socket(family)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
        except OSError as error:
            raise LaunchFailure(
                f"Cannot listen on {address.host}:{address.port} ({error.strerror}). "
                "Choose another with --port."
            ) from error


def farewell(address: Address, links: str, home: Home, seconds: float) -> str:
    """The last words before the watch begins."""
    return (
        f"\nReady after {seconds:.1f} s: {address.url}\n\n{ways_in(links)}\n"
        f"Everything is kept in {home.folder} (logs in {home.logs}). Ctrl-C stops everything."
    )


def ways_in(links: str) -> str:
    """How people sign in: the links that were made, or how to get one."""
    lines = [line for line in links.splitlines() if "/link/" in line]
    if not lines:
        return (
            "Sign in with your name and password.\n"
            "A one-time link for somebody who has none: python3 run.py link PERSON\n"
        )
    return "".join(
        f"  {line}\n"
        for line in ("One-time sign-in links (a new one: python3 run.py link PERSON):", *lines)
    )
