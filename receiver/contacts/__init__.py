"""Who the people are, who is on duty, and whom a message mentions."""

from receiver.contacts.directory import Contact, Contacts, Resolved
from receiver.contacts.imports import Listed, read_contacts
from receiver.contacts.mentions import Rule, mentioned
from receiver.contacts.settings import ContactSettings, MentionSettings, RotationSettings

__all__ = [
    "Contact",
    "ContactSettings",
    "Contacts",
    "Listed",
    "MentionSettings",
    "Resolved",
    "RotationSettings",
    "Rule",
    "mentioned",
    "read_contacts",
]
