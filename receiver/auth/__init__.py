"""Who may post alerts and who may use the pages and the API."""

from receiver.auth.senders import Senders, Signed
from receiver.auth.settings import AuthSettings, Role, UserSettings, WebhookCredential
from receiver.auth.users import User, Users

__all__ = ["AuthSettings", "Role", "Senders", "Signed", "User", "UserSettings", "Users", "WebhookCredential"]
