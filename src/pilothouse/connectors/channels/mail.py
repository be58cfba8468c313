"""Letters over SMTP, in plain text and plain HTML, encrypted but on the loopback address."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from pilothouse.handoff.notifying.channels import Message, Undelivered

SECONDS = 10.0
TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
)


@dataclass(frozen=True, slots=True)
class MailChannel:
    """One SMTP server. `encryption` is "none", "starttls" or "tls"; `password` is asked for at each connection."""

    name: str
    host: str
    port: int
    sender: str
    encryption: str
    user: str = ""
    password: Callable[[], str] = str
    to_people: bool = True
    seconds: float = SECONDS

    def send(self, message: Message) -> None:
        """Send one letter; raises `Undelivered`. Every step waits for at most `seconds`."""
        letter = letter_of(message, self.sender)
        try:
            with self._server() as server:
                self._enter(server)
                server.send_message(letter)
        except smtplib.SMTPAuthenticationError as error:
            raise Undelivered(f"the mail server refused the log-in ({error.smtp_code}).", lasting=True) from None
        except smtplib.SMTPRecipientsRefused as error:
            codes = {code for code, _ in error.recipients.values()}
            raise _refused("the recipient", max(codes)) from None
        except smtplib.SMTPNotSupportedError:
            raise Undelivered("the mail server offers no encryption or no log-in.", lasting=True) from None
        except smtplib.SMTPServerDisconnected:
            raise Undelivered("the mail server closed the connection.", down=True) from None
        except smtplib.SMTPResponseException as error:
            raise _refused("the message", error.smtp_code) from None
        except ssl.SSLError:
            raise Undelivered("the mail server's certificate cannot be trusted.", lasting=True) from None
        except TimeoutError:
            raise Undelivered(f"the mail server did not answer within {self.seconds:g} seconds.", down=True) from None
        except OSError:
            raise Undelivered("the mail server cannot be reached.", down=True) from None

    def _server(self) -> smtplib.SMTP:
        if self.encryption == "tls":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(self.host, self.port, timeout=self.seconds, context=context)
        return smtplib.SMTP(self.host, self.port, timeout=self.seconds)

    def _enter(self, server: smtplib.SMTP) -> None:
        if self.encryption == "starttls":
            server.starttls(context=ssl.create_default_context())
        if not self.user:
            return
        password = self.password()
        if not password:
            raise Undelivered("there is no password for the mail server.", lasting=True)
        server.login(self.user, password)


def _refused(what: str, code: int) -> Undelivered:
    """4xx asks for another attempt, 5xx does not (RFC 5321, 4.2.1)."""
    return Undelivered(f"the mail server refused {what} ({code}).", lasting=code >= 500)


def letter_of(message: Message, sender: str) -> EmailMessage:
    """Return a letter with both forms; it names its notification, so that a second copy can be told from a second letter."""
    assert message.to is not None
    name, address = message.to
    letter = EmailMessage()
    letter["Subject"] = one_line(f"Pilothouse: {message.title}")
    letter["From"] = formataddr(("Pilothouse", sender))
    letter["To"] = formataddr((one_line(name), one_line(address)))
    letter["Date"] = format_datetime(message.at)
    letter["Message-ID"] = f"<{message.id}@{sender.rpartition('@')[2]}>"
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(_text(message))
    letter.add_alternative(TEMPLATES.get_template("letter.html").render(message=message), subtype="html")
    return letter


def one_line(text: str) -> str:
    """Return text without line breaks: what stands in a record must not become a header."""
    return " ".join(text.split())


def _text(message: Message) -> str:
    parts = [message.title, ""]
    for line in message.lines:
        parts += [f"- {one_line(line.words)}", *(f"  {one_line(each)}" for each in (line.reason, line.link) if each)]
    if message.more:
        parts.append(f"- and {message.more} more")
    parts += ["", f"Open: {message.link}", "", "Opening a link decides nothing; you log in and decide there."]
    return "\n".join(parts) + "\n"
