import time, json
import dagster as dg
from datetime import date, datetime, UTC, timedelta

def test_x(definitions, instance, platform, hubspot, acme):
    t=time.monotonic()
    hubspot.add_many("contacts", 300)
    dg.Definitions.validate_loadable(definitions)
    print("validate", time.monotonic()-t); t=time.monotonic()
    job = definitions.resolve_implicit_global_asset_job_def()
    print("job", time.monotonic()-t); t=time.monotonic()
    instance.add_dynamic_partitions("hubspot_connections", ["acme-hubspot", "b"])
    today = f"{platform.clock.now():%Y-%m-%d}"
    r = job.execute_in_process(instance=instance, asset_selection=[dg.AssetKey(["hubspot","contacts"]), dg.AssetKey(["hubspot","owners"])], partition_key=dg.MultiPartitionKey({"connection":"acme-hubspot","date":today}), raise_on_error=False)
    print("run", time.monotonic()-t); t=time.monotonic()
    for e in instance.all_logs(r.run_id):
        print(e.dagster_event.event_type_value if e.dagster_event else "LOG", e.user_message[:300])
    for e in r.get_asset_materialization_events():
        print(e.materialization.metadata, e.partition)
    # range
    y = f"{platform.clock.now()-timedelta(days=1):%Y-%m-%d}"
    for rng in [(f"acme-hubspot|{y}", f"acme-hubspot|{today}"), (f"acme-hubspot|2024-03-01", f"acme-hubspot|2024-03-10"), (f"acme-hubspot|2024-03-01", f"b|2024-03-02")]:
        r = job.execute_in_process(instance=instance, asset_selection=[dg.AssetKey(["hubspot","contacts"]), dg.AssetKey(["hubspot","owners"])], tags={"dagster/asset_partition_range_start":rng[0], "dagster/asset_partition_range_end":rng[1]}, raise_on_error=False)
        print("range run", rng, time.monotonic()-t); t=time.monotonic()
        for e in instance.all_logs(r.run_id):
            print(e.dagster_event.event_type_value if e.dagster_event else "LOG", e.user_message[:300])
            if e.dagster_event and e.dagster_event.event_type_value=="STEP_FAILURE":
                print(e.dagster_event.step_failure_data.error_display_string[:1500], e.dagster_event.step_failure_data.user_failure_data)
        for h in platform.history("acme-hubspot", limit=1): print(h)
