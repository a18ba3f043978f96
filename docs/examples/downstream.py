"""A downstream asset of your own: one connection's contacts come as a DataFrame, and the DataFrame
that it returns becomes the table analytics.contacts_by_stage."""

import dagster as dg
import pandas as pd

from sync_platform.defs.build import definitions_from_env

wanted = {"connection": "acme-hubspot", "columns": ["lifecyclestage"]}


@dg.asset(
    ins={"contacts": dg.AssetIn(["hubspot", "contacts"], metadata=wanted)},
    io_manager_key="postgres",
)
def contacts_by_stage(contacts: pd.DataFrame) -> pd.DataFrame:
    return contacts.groupby("lifecyclestage").size().reset_index(name="contacts")


defs = dg.Definitions.merge(definitions_from_env(), dg.Definitions(assets=[contacts_by_stage]))
