"""The page, served until Ctrl-C: the links, the port, the database."""

import errno
import socket
from pathlib import Path

from humpback_exp import artifacts
from humpback_exp.annotation.items import Study, study
from humpback_exp.annotation.session import Rules, session
from humpback_exp.annotation.store import Store
from humpback_exp.artifacts.catalog import facts
from humpback_exp.artifacts.match import shortened
from humpback_exp.config import AnnotateConfig
from humpback_exp.progress import log, table

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def serve(config: AnnotateConfig) -> None:
    """Print a link for each rater, with what is done behind it, and serve the page.

    Raises:
        ValueError: the items, the database or the port cannot be had.
    """
    items, store = opened(config)
    tokens = store.raters(config.raters)
    with listening(config.host, config.port) as listener:
        import uvicorn

        from humpback_exp.annotation.app import build

        port = listener.getsockname()[1]
        print(f"\n{_about(config)}: {len(items.work)} items, {len(items.test)} in the test\n")
        print(table([_standing(config, items, store, *one, port) for one in tokens.items()]))
        print(f"\nkept in {store.path}; export=true writes what was judged; Ctrl-C ends the page", flush=True)
        if config.host not in LOOPBACK:
            log.warning(
                "host=%s: links and judgements travel readable; put a proxy with TLS before the page", config.host
            )
        app = build(items, rules(config), store, tokens)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, server_header=False))
        server.run(sockets=[listener])
    store.close()


def opened(config: AnnotateConfig) -> tuple[Study, Store]:
    """What is judged, and its database."""
    items, folder = study(config), artifacts.begin(config)
    settings = ", ".join(f"{key}={shortened(value)}" for key, value in sorted(facts(folder.manifest).items()))
    return items, Store(database(config), folder.manifest.fingerprint, f"{_about(config)} ({settings})")


def database(config: AnnotateConfig) -> Path:
    """The file of the judgements, which lies beside the folder that is exported to."""
    return config.folder.with_name(f"{config.folder.name}.sqlite")


def rules(config: AnnotateConfig) -> Rules:
    return Rules(config.pass_mark, config.overlap, config.reasons)


def _about(config: AnnotateConfig) -> str:
    """`outputs/evals/m1 against outputs/evals/base`, or the folder of pairs."""
    return " against ".join(config.evals) or str(config.candidates)


def _standing(
    config: AnnotateConfig, items: Study, store: Store, rater: str, token: str, port: int
) -> dict[str, object]:
    """A rater's line in the table."""
    at = session(items, rules(config), store, rater)
    host = f"[{config.host}]" if ":" in config.host else config.host
    done = sum(item.id in at.judged for item in items.work)
    row = {"rater": rater, "link": f"http://{host}:{port}/r/{token}", "judged": done, "stands at": at.phase}
    return row | ({"test": "-" if at.score is None else f"{at.score:.0%}"} if items.test else {})


def listening(host: str, port: int) -> socket.socket:
    """A socket bound before anything is printed, so that a port in use is one line."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()  # whoever opens a link before the page is ready waits, and is not refused
    except OSError as error:
        listener.close()
        why = (
            "is in use; give another port=, or port=0 for a free one" if error.errno == errno.EADDRINUSE else str(error)
        )
        raise ValueError(f"port={port}: {host}:{port} {why}") from None
    return listener
