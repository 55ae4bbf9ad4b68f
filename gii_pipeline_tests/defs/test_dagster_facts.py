"""What this project relies on in Dagster, so that an upgrade that changes it is noticed here.

Assets are built in functions with names that a step process finds, since the multiprocess executor loads them again.
"""

from collections.abc import Iterator

import dagster as dg
import pytest

pytestmark = pytest.mark.filterwarnings("ignore:Specifying a partitions_def on an AssetCheckSpec")


class Clock(dg.Config):
    passes: bool = True


@dg.multi_asset(
    specs=[dg.AssetSpec("table", partitions_def=dg.StaticPartitionsDefinition(["2023", "2024"]))],
    check_specs=[dg.AssetCheckSpec("unique_key", asset="table")],
)
def table(config: Clock) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
    yield dg.AssetCheckResult(asset_key="table", check_name="unique_key", passed=config.passes)
    if not config.passes:
        raise dg.Failure("broken", allow_retries=False)
    yield dg.MaterializeResult(asset_key="table")


def audited() -> dg.JobDefinition:
    return dg.Definitions(assets=[table], jobs=[dg.define_asset_job("audited", "table")]).resolve_job_def("audited")


@pytest.mark.parametrize("executor", ["in_process", "multiprocess"])
def test_raising_after_the_checks_leaves_nothing_materialised(
    executor: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with dg.DagsterInstance.local_temp(str(tmp_path_factory.mktemp(executor))) as instance:
        config = {
            "ops": {"table": {"config": {"passes": False}}},
            "execution": {"config": {executor: {}}},
        }
        result = dg.execute_job(
            dg.reconstructable(audited), instance, run_config=config, tags={"dagster/partition": "2024"}
        )
        assert not result.success
        assert not instance.get_materialized_partitions(dg.AssetKey("table"))
        assert [event for event in result.all_events if event.event_type_value == "ASSET_CHECK_EVALUATION"]


def test_assets_with_different_partitions_cannot_share_a_job() -> None:
    @dg.asset(partitions_def=dg.StaticPartitionsDefinition(["2025"]))
    def ranking() -> None: ...

    both = dg.define_asset_job("both", ["table", "ranking"])
    with pytest.raises(dg.DagsterInvalidDefinitionError) as refused:
        dg.Definitions(assets=[table, ranking], jobs=[both]).resolve_job_def("both")
    assert "must have the same partitions definition" in str(refused.value.__cause__)


def test_a_static_mapping_shows_which_years_feed_an_edition() -> None:
    years = dg.StaticPartitionsDefinition(["2022", "2023", "2024"])
    editions = dg.StaticPartitionsDefinition(["2024", "2025"])
    mapping = dg.StaticPartitionMapping({"2022": ["2024"], "2023": ["2024", "2025"], "2024": ["2025"]})
    downstream = editions.subset_with_partition_keys(["2025"])
    upstream = mapping.get_upstream_mapped_partitions_result_for_partitions(downstream, editions, years)
    assert set(upstream.partitions_subset.get_partition_keys()) == {"2023", "2024"}


def test_each_partition_has_its_own_result_of_a_check() -> None:
    years = dg.StaticPartitionsDefinition(["2023", "2024"])

    @dg.multi_asset(
        specs=[dg.AssetSpec("sums", partitions_def=years)],
        check_specs=[dg.AssetCheckSpec("contract", asset="sums", partitions_def=years)],
    )
    def sums(context: dg.AssetExecutionContext) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        passes = context.partition_key == "2024"
        yield dg.AssetCheckResult(asset_key="sums", passed=passes, severity=dg.AssetCheckSeverity.WARN)
        yield dg.MaterializeResult(asset_key="sums")

    with dg.DagsterInstance.ephemeral() as instance:
        for year in ("2023", "2024"):
            assert dg.materialize([sums], partition_key=year, instance=instance).success
        key = dg.AssetCheckKey(dg.AssetKey("sums"), "contract")
        found = instance.event_log_storage.get_asset_check_partition_info([key])
        assert {one.partition_key: one.latest_execution_status.value for one in found} == {
            "2023": "FAILED",
            "2024": "SUCCEEDED",
        }
