"""The strict stand-in of the providers: for `serve --sandbox`, the demo, staging and the tests."""

from receiver.sandbox.apps import App
from receiver.sandbox.box import Sandbox
from receiver.sandbox.clock import Clock
from receiver.sandbox.faults import Fault
from receiver.sandbox.ledger import Dropped, Posted, Seen
from receiver.sandbox.pages import pages_app
from receiver.sandbox.robots import KINDS, OTHER, Options
from receiver.sandbox.server import provider_app, serve

__all__ = [
    "KINDS",
    "OTHER",
    "App",
    "Clock",
    "Dropped",
    "Fault",
    "Options",
    "Posted",
    "Sandbox",
    "Seen",
    "pages_app",
    "provider_app",
    "serve",
]
