"""What is asked of the vendor while an account is being connected: whether the credentials work,
whose they are, and what can be chosen."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from sync_platform.engine.connections import Connection
from sync_platform.engine.ports import Secret, VendorApi
from sync_platform.engine.signing_in import (
    Asked,
    Offered,
    SignIn,
    Way,
    asked_after,
    checked_answer,
    listed,
)
from sync_platform.errors import ConfigurationError, NeedsReauth, NotPermitted
from sync_platform.spec import Account, Connector, ConnectorObject, Discovered, JwtBearer
from sync_platform.store.discovered import named
from sync_platform.waist.choosing import discovered
from sync_platform.waist.parts import Parts


@contextmanager
def line(parts: Parts, sign_in: SignIn, secret: Secret) -> Iterator[VendorApi]:
    """A line to the vendor with the new credentials. A refusal says that nothing was changed."""
    name = sign_in.connection or f"new-{sign_in.connector}"
    api = parts.api(
        Connection(
            name=name,
            connector=sign_in.connector,
            schema="",
            base_url=sign_in.base_url,
            settings=sign_in.settings,
        ),
        lambda: secret,
    )
    try:
        yield api
    except NeedsReauth as error:
        label = parts.connector(sign_in.connector).label
        kept = f"{sign_in.connection or 'the account'} was not connected"
        kept = f"{name} keeps the ones it had" if sign_in.again else kept
        raise NeedsReauth(
            f"{label} does not accept these credentials, so {kept}. Check them and try again.",
            evidence=error.evidence,
        ) from error
    finally:
        api.close()


def settled(parts: Parts, sign_in: SignIn, secret: Secret, answers: Mapping[str, str]) -> SignIn:
    """The sign-in with these answers and all that needs no answer, and whose account it is once no
    question is open. Raises what the vendor's answers mean, and what `questions` does."""
    sign_in, asked = questions(parts, sign_in, secret, answers)
    if any(each.open for each in asked):
        return replace(sign_in, account=None)
    return replace(sign_in, account=account_of(parts, sign_in, secret))


def account_of(parts: Parts, sign_in: SignIn, secret: Secret) -> Account | None:
    """Whose account it is, by the connector's cheapest call; this proves the credentials."""
    connector = parts.connector(sign_in.connector)
    with line(parts, sign_in, secret) as api:
        check = connector.check
        return connector.account(check(api) if callable(check) else api.send(check))


def questions(
    parts: Parts, sign_in: SignIn, secret: Secret, answers: Mapping[str, str]
) -> tuple[SignIn, list[Asked]]:
    """What is to be chosen among what the vendor lists, up to the first question that is open: what
    comes after may depend on it. What has one option only is taken.

    Raises ConfigurationError for an answer that is no option, NotPermitted where something is
    needed and the vendor lists none.
    """
    connector = parts.connector(sign_in.connector)
    asked: list[Asked] = []
    for setting in asked_after(connector):
        assert setting.options is not None
        with line(parts, sign_in, secret) as api:
            options = list(setting.options(api))
        if setting.required and not options:
            raise NotPermitted(
                f"{connector.label} lists no {setting.label} for this account, and without one "
                "there is nothing to sync. Sign in with an account that has one."
            )
        question = Asked(setting=setting, options=options)
        if setting.name in answers:
            value = checked_answer(question, answers[setting.name], connector.label)
        else:
            value = _kept(question, sign_in.settings.get(setting.name) or setting.default)
        settings = {name: it for name, it in sign_in.settings.items() if name != setting.name}
        if value is not None:
            settings[setting.name] = value
        chosen = () if value is None else tuple(value.split(",")) if setting.many else (value,)
        sign_in = replace(sign_in, settings=settings)
        asked.append(replace(question, chosen=chosen))
        if asked[-1].open:
            break
    return sign_in, asked


def _kept(asked: Asked, before: str | None) -> str | None:
    """What was chosen before, as far as it is still listed; else the only option there is."""
    known = [each.value for each in asked.options]
    said = (before or "").split(",") if asked.setting.many else [before or ""]
    chosen = [each for each in said if each in known]
    if not chosen and len(known) == 1:
        chosen = known
    return ",".join(chosen) or None


def chosen(connector: Connector, settings: Mapping[str, str]) -> dict[str, str]:
    """What these settings choose already of what the vendor lists."""
    wanted = [each.name for each in asked_after(connector)]
    return {name: settings[name] for name in wanted if settings.get(name)}


def refuse_open_questions(parts: Parts, sign_in: SignIn, secret: Secret) -> None:
    """Raises ConfigurationError where something must still be chosen, listing the options."""
    connector = parts.connector(sign_in.connector)
    wanted = [each for each in asked_after(connector) if each.required]
    if all(sign_in.settings.get(each.name) for each in wanted):
        return
    for each in questions(parts, sign_in, secret, {})[1]:
        if each.open:
            raise ConfigurationError(
                f"{connector.label} has several of {each.setting.label!r}; choose one by the "
                f"setting {each.setting.name!r}. There are: {listed(each.options)}."
            )


def offers(parts: Parts, sign_in: SignIn, secret: Secret) -> list[Offered]:
    """The account's objects with their fields, or why it may not read one. The fields of those that
    are neither suggested nor asked for are not looked up: an account may have a thousand."""
    with line(parts, sign_in, secret) as api:
        connector, own = whole(parts.connector(sign_in.connector), api)
        if not sign_in.again:  # else its objects may be called otherwise: see `renewed`
            refuse_misfits(connector, sign_in.settings)
        left = {each.name for each in own if not each.chosen} - set(sign_in.objects or ())
        return [
            Offered(obj=obj, suggested=False)
            if obj.name in left
            else _offer(connector, sign_in, secret, obj, api)
            for obj in connector.objects
        ]


def whole(connector: Connector, api: VendorApi) -> tuple[Connector, list[Discovered]]:
    """The connector with the objects that only this account has, and those."""
    if connector.discover is None or connector.discovered is None:
        return connector, []
    own = named(list(connector.discover(api)))
    return connector.having(own), own


def refuse_misfits(connector: Connector, settings: Mapping[str, str]) -> None:
    """Raises ConfigurationError where settings are about objects that the connection has not."""
    wrong = list(connector.misfits(settings, [obj.name for obj in connector.objects]))
    if wrong:
        raise ConfigurationError(" ".join(wrong))


def _offer(
    connector: Connector, sign_in: SignIn, secret: Secret, obj: ConnectorObject, api: VendorApi
) -> Offered:
    consented: Sequence[str] | None = secret.get("scopes")
    lacking = [each for each in obj.scopes if consented is not None and each not in consented]
    if lacking and sign_in.objects is not None and obj.name not in sign_in.objects:
        return Offered(
            obj=obj,
            permitted=False,
            reason=f"The sign-in did not ask for it ({', '.join(lacking)}). Begin again with "
            f"{obj.label or obj.name}.",
        )
    try:
        return Offered(obj=obj, fields=discovered(connector, obj, api))
    except NotPermitted as error:
        return Offered(obj=obj, permitted=False, reason=str(error))


def way_of(connector: Connector, ways: Sequence[Way], secret: Secret, name: str | None) -> Way:
    """The way that this secret is for: the named one, else the first whose parts it has. Raises
    ConfigurationError, naming the ways and what each needs."""
    for way in ways:
        if way.name == name or (name is None and _fits(way, secret)):
            return way
    known = "; ".join(
        f"{way.label}: {', '.join(blank.name for blank in way.blanks)}"
        for way in ways
        if way.blanks
    )
    raise ConfigurationError(
        f"These credentials fit no way of signing in to {connector.label}. There are: {known}."
    )


def _fits(way: Way, secret: Secret) -> bool:
    if not way.blanks:
        return "access_token" in secret
    needed = {blank.name for blank in way.blanks}
    return needed <= set(secret) or (isinstance(way.auth, JwtBearer) and "private_key" in secret)


def typed(way: Way, secret: Secret, label: str) -> Secret:
    """The secret as it is kept: without blanks around it, a key file's content taken out, and with
    the name of its way. Raises ConfigurationError where a part is empty."""
    values = {name: it.strip() if isinstance(it, str) else it for name, it in secret.items()}
    empty = [each.label for each in way.blanks if values.get(each.name) == ""]
    if empty:
        raise ConfigurationError(f"{label} needs the {empty[0]}; none was given.")
    if isinstance(way.auth, JwtBearer) and way.auth.key_file and "key_file" in values:
        try:
            content = json.loads(values.pop("key_file"))
            values |= way.auth.key_file(content)
        except (ValueError, LookupError, TypeError):
            raise ConfigurationError(
                f"The key file is not one that {label} hands out. Give its whole content (JSON)."
            ) from None
    return Secret({**values, "auth": way.name})
